from pathlib import Path

import pytest

from glede.api.errors import ManifestError
from glede.api.manifest import load_documentqa, parse_documentqa

HEAD = "apiVersion: glede.io/v1alpha1\nkind: DocumentQA\nmetadata: {name: qa}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "spec: {listn: {port: 1}}", "m.yaml: spec.listn: unknown field; did you mean listen?"),
        (
            HEAD + "spec: {listen: {zzz: 1}}",
            "m.yaml: spec.listen.zzz: unknown field; expected one of host, port",
        ),
        (
            HEAD + "spec: {limits: {upload_byte: 1}}",
            "m.yaml: spec.limits.upload_byte: unknown field; did you mean uploadBytes?",
        ),
        (
            HEAD + "spec: {documents: [{path: a, tag: x}]}",
            "m.yaml: spec.documents.0.tag: unknown field; did you mean tags?",
        ),
        (
            HEAD + "spec: {listen: {port: 70000}}",
            "m.yaml: spec.listen.port: found 70000; Input should be less than or equal to 65535",
        ),
        (HEAD + "spec: {documents: [{tags: [x]}]}", "m.yaml: spec.documents.0.path: missing; it is required"),
        (
            HEAD + "spec: {embedder: {kind: endpoint}}",
            (
                "m.yaml: spec.embedder: found {'kind': 'endpoint'}; "
                "kind: endpoint and the field endpoint go together; give both or neither"
            ),
        ),
        ("kind: DocumentQA\nmetadata: {name: qa}", "m.yaml: apiVersion: missing; it is required"),
        (HEAD.replace("DocumentQA", "Milvus"), "m.yaml: kind: found 'Milvus'; Input should be 'DocumentQA'"),
        ("- a\n- b", "m.yaml: found list, expected a mapping with apiVersion and kind"),
        ("", "m.yaml: found NoneType, expected a mapping with apiVersion and kind"),
    ],
)
def test_an_error_names_file_field_and_remedy(text: str, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_documentqa(text, "m.yaml")

    assert str(caught.value) == message


def test_all_errors_are_told_at_once() -> None:
    with pytest.raises(ManifestError) as caught:
        parse_documentqa(HEAD + "spec: {listen: {port: x}, exmaples: []}", "m.yaml")

    assert len(str(caught.value).splitlines()) == 2


def test_yaml_errors_have_their_place() -> None:
    with pytest.raises(ManifestError, match=r"^m.yaml: not YAML: .*line 1, column 5"):
        parse_documentqa("a: [", "m.yaml")


def test_unsafe_yaml_is_refused() -> None:
    with pytest.raises(ManifestError, match="not YAML: could not determine a constructor"):
        parse_documentqa("!!python/object/apply:os.system ['true']", "m.yaml")


def test_files(tmp_path: Path) -> None:
    missing, binary, large = tmp_path / "no.yaml", tmp_path / "bin.yaml", tmp_path / "large.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    large.write_bytes(b"#" * (1024 * 1024 + 1))

    for path, words in (
        (missing, "no such file; give the path of a DocumentQA manifest"),
        (binary, "cannot be read as UTF-8 text: "),
        (large, "larger than 1048576 bytes, expected a manifest"),
        (tmp_path, "cannot be read as UTF-8 text: "),
    ):
        with pytest.raises(ManifestError) as caught:
            load_documentqa(path)
        assert str(caught.value).startswith(f"{path}: {words}")


def test_paths_are_taken_from_the_manifest_s_folder(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    url_file = tmp_path / "elsewhere" / "url"
    url_file.parent.mkdir()
    for file in (url_file, tmp_path / "key", tmp_path / "token"):
        file.write_text("secret")
    path.write_text(
        HEAD + f"spec: {{dataDir: data, databaseUrlFile: {url_file}, documents: [{{path: docs}}],\n"
        "  writer: {url: 'http://x/v1', model: m, apiKeyFile: key}, store: {tokenFile: token}}"
    )

    spec = load_documentqa(path).spec

    assert (spec.data_dir, spec.database_url_file) == (tmp_path / "data", url_file)
    assert spec.documents[0].path == tmp_path / "docs"
    assert spec.store.token_file == tmp_path / "token"
    assert spec.writer is not None
    assert spec.writer.api_key_file == tmp_path / "key"


def test_defaults() -> None:
    spec = parse_documentqa(HEAD, "m.yaml").spec

    assert (spec.listen.host, spec.listen.port, spec.embedder.kind) == ("127.0.0.1", 8600, "auto")
    assert (spec.limits.in_flight, spec.limits.upload_bytes) == (64, 200 * 1024 * 1024)


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "qa.yaml"
    path.write_text(HEAD + "spec: {databaseUrlFile: secret}")
    with pytest.raises(ManifestError) as raised:
        load_documentqa(path)
    expected = (
        f"{path}: spec.databaseUrlFile: {tmp_path / 'secret'}: no such file; create it or drop the field"
    )
    assert str(raised.value) == expected
