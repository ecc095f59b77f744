"""Reading a manifest: YAML in, a checked model out, or an error that names the field."""

import difflib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from glede.api.documentqa import DocumentQA, Endpoint, Model, Source
from glede.api.errors import ManifestError

MAX_MANIFEST_BYTES = 1024 * 1024

EndpointLike = TypeVar("EndpointLike", bound=Endpoint)
MaybePath = TypeVar("MaybePath", Path, Path | None)


def load_documentqa(path: Path) -> DocumentQA:
    """Read a DocumentQA manifest; relative paths in it are taken from its own folder.

    Raises ManifestError.
    """
    manifest = _rooted(parse_documentqa(_read(path), str(path)), path.resolve().parent)
    for field, file in _named_files(manifest):
        if file is not None and not file.is_file():
            raise ManifestError(f"{path}: {field}: {file}: no such file; create it or drop the field")
    return manifest


def parse_documentqa(text: str, origin: str) -> DocumentQA:
    """Check manifest text; ``origin`` is how errors name it. Raises ManifestError."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ManifestError(f"{origin}: not YAML: {_one_line(error)}") from error
    if not isinstance(data, dict):
        raise ManifestError(
            f"{origin}: found {type(data).__name__}, expected a mapping with apiVersion and kind"
        )
    try:
        return DocumentQA.model_validate(data)
    except ValidationError as error:
        lines = [f"{origin}: {_explain(detail)}" for detail in error.errors()]
        raise ManifestError("\n".join(lines)) from error


def _named_files(manifest: DocumentQA) -> list[tuple[str, Path | None]]:
    spec = manifest.spec
    endpoint = spec.embedder.endpoint
    return [
        ("spec.databaseUrlFile", spec.database_url_file),
        ("spec.store.tokenFile", spec.store.token_file),
        ("spec.writer.apiKeyFile", spec.writer.api_key_file if spec.writer else None),
        ("spec.embedder.endpoint.apiKeyFile", endpoint.api_key_file if endpoint else None),
    ]


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ManifestError(f"{path}: larger than {MAX_MANIFEST_BYTES} bytes, expected a manifest")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ManifestError(f"{path}: no such file; give the path of a DocumentQA manifest") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _explain(detail: ErrorDetails) -> str:
    field = ".".join(str(part) for part in detail["loc"]) or "manifest"
    if detail["type"] == "extra_forbidden":
        return f"{field}: unknown field{_suggest(detail['loc'])}"
    if detail["type"] == "missing":
        return f"{field}: missing; it is required"
    found = repr(detail["input"])
    found = found if len(found) <= 80 else found[:77] + "..."
    return f"{field}: found {found}; {detail['msg'].removeprefix('Value error, ')}"


def _suggest(location: tuple[int | str, ...]) -> str:
    model = _model_at(location[:-1])
    names = [str(info.alias or name) for name, info in model.model_fields.items()] if model else []
    close = difflib.get_close_matches(str(location[-1]), names, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; expected one of {', '.join(names)}" if names else ""


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel] | None:
    model: Any = DocumentQA
    for part in location:
        if isinstance(part, int):
            continue
        fields = {str(info.alias or name): info for name, info in model.model_fields.items()}
        if part not in fields:
            return None
        model = _find_model(fields[part].annotation)
        if model is None:
            return None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _find_model(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _find_model(inner)
        if found:
            return found
    return None


def _rooted(manifest: DocumentQA, folder: Path) -> DocumentQA:
    spec = manifest.spec
    sources: list[Source] = [
        source.model_copy(update={"path": _under(folder, source.path)}) for source in spec.documents
    ]
    update: dict[str, Any] = {
        "documents": sources,
        "data_dir": _under(folder, spec.data_dir),
        "database_url_file": _under(folder, spec.database_url_file),
        "store": spec.store.model_copy(update={"token_file": _under(folder, spec.store.token_file)}),
    }
    if spec.writer:
        update["writer"] = _endpoint_rooted(folder, spec.writer)
    if spec.embedder.endpoint:
        endpoint = _endpoint_rooted(folder, spec.embedder.endpoint)
        update["embedder"] = spec.embedder.model_copy(update={"endpoint": endpoint})
    return manifest.model_copy(update={"spec": spec.model_copy(update=update)})


def _endpoint_rooted(folder: Path, endpoint: EndpointLike) -> EndpointLike:
    return endpoint.model_copy(update={"api_key_file": _under(folder, endpoint.api_key_file)})


def _under(folder: Path, path: MaybePath) -> MaybePath:
    return folder / path.expanduser() if path is not None else path
