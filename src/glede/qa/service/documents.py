"""``/v1/documents``: upload, list, show, page, delete."""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.responses import JSONResponse, Response

from glede.qa.registry.documents import DocumentView, Upload
from glede.qa.registry.names import clean_name
from glede.qa.service.context import ContextOf, TenantOf
from glede.qa.service.problems import Problem
from glede.qa.service.shapes import document_body, parse_tags

BLOCK_BYTES = 1024 * 1024
MAX_PAGE_NUMBER = 1 << 31

router = APIRouter(prefix="/v1/documents")


@router.post("")
async def upload(request: Request, context: ContextOf, tenant: TenantOf) -> JSONResponse:
    """Take a file; it is stored durably before this answers."""
    with context.uploads.enter():
        try:
            async with request.form(max_files=1, max_fields=8) as form:
                file = form.get("file")
                if not isinstance(file, UploadFile):
                    raise Problem(
                        422, "the form has no file; send multipart/form-data with a part named file"
                    )
                tags = form.get("tags")
                document, is_new = await run_in_threadpool(
                    _store,
                    context,
                    tenant,
                    file,
                    parse_tags(tags) if isinstance(tags, str) and tags else None,
                )
        except MultiPartException as error:
            raise Problem(400, f"the form cannot be read: {error.message}") from error
    if is_new:
        context.engine.ingest.wake()
    body = {"id": document.id, "name": document.name, "status": document.status}
    return JSONResponse(body, status_code=202 if is_new else 200)


@router.get("")
async def listed(
    context: ContextOf, tenant: TenantOf, cursor: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """List the tenant's documents, newest first."""
    if not 1 <= limit <= 500:
        raise Problem(422, f"limit: found {limit}, expected 1 to 500")
    try:
        found, following = await run_in_threadpool(context.engine.documents.listed, tenant, cursor, limit)
    except ValueError as error:
        raise Problem(422, str(error)) from error
    return {"documents": [document_body(document) for document in found], "next": following}


@router.get("/{document}")
async def shown(document: str, context: ContextOf, tenant: TenantOf) -> dict[str, Any]:
    """Show one document."""
    found = await run_in_threadpool(context.engine.documents.get, tenant, document)
    if found is None:
        raise _missing(document)
    return document_body(found)


@router.delete("/{document}", status_code=204)
async def deleted(document: str, context: ContextOf, tenant: TenantOf) -> Response:
    """Delete one document; no hit comes from it afterwards."""
    if not await run_in_threadpool(context.engine.documents.delete, tenant, document):
        raise _missing(document)
    context.engine.ingest.wake()
    return Response(status_code=204)


@router.get("/{document}/pages/{number}")
async def page(document: str, number: int, context: ContextOf, tenant: TenantOf) -> dict[str, Any]:
    """Give one page's text, for showing a citation in place."""
    known = 0 < number < MAX_PAGE_NUMBER  # a database's integers end there
    found = (
        await run_in_threadpool(context.engine.documents.page, tenant, document, number) if known else None
    )
    if found is None:
        raise Problem(404, f"document {document} has no page {number}, or is not yours")
    return {
        "document_id": found.document.id,
        "document": found.document.name,
        "page": found.number,
        "label": found.label,
        "pages": found.document.pages,
        "page_kind": found.document.page_kind,
        "text": found.text,
    }


def _store(
    context: ContextOf, tenant: str, file: UploadFile, tags: list[str] | None
) -> tuple[DocumentView, bool]:
    try:
        name = clean_name(file.filename or "")
    except ValueError as error:
        raise Problem(422, str(error)) from error
    digest, size = hashlib.sha256(), 0
    for block in _blocks(file.file):
        digest.update(block)
        size += len(block)
    if size > context.limits.upload_bytes:
        raise Problem(
            413, f"{name}: {size} bytes, the limit is {context.limits.upload_bytes} (limits.uploadBytes)"
        )
    if not size:
        raise Problem(422, f"{name}: the file is empty (0 bytes); upload a file with content")
    upload_ = Upload(name, digest.hexdigest(), size, _blocks(file.file), tags)
    return context.engine.documents.add(tenant, upload_)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(BLOCK_BYTES):
        yield block


def _missing(document: str) -> Problem:
    return Problem(404, f"document {document}: there is none of this id, or it is not yours")
