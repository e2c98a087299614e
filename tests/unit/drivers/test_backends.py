"""Where Terraform's code says that its state is."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.drivers.infra.backends import has_backend, last_backend, plain

FULL = 'terraform {\n  required_version = ">= 1.5"\n  %s\n}\n'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (FULL % 'backend "s3" {}', True),
        (FULL % "backend s3 {}", True),
        (FULL % 'cloud { organization = "a" }', True),
        ('terraform { required_providers { a = { source = "a/b" } }\nbackend "local" {} }', True),
        ('# terraform {\nterraform /* { */ {\n backend "s3" {} }', True),
        ('locals { a = "${var.b["}"]}" }\n' + FULL % 'backend "s3" {}', True),
        ('locals { a = "\\"{ ${ \n"b" } $${" }\n' + FULL % 'backend "s3" {}', True),
        (FULL % '# backend "s3" {}', False),
        (FULL % '// backend "s3" {}', False),
        (FULL % '/* backend "s3" {} */', False),
        (FULL % 'required_providers { cloud = { source = "a/cloud" } }', False),
        ('resource "x" "backend" {}', False),
        ('output "a" { value = module.backend.id }', False),
        ('resource "x" "y" {\n  cloud { a = 1 }\n}', False),
        ('locals { a = "terraform { backend \\"s3\\" {} }" }', False),
        ('locals {\n a = <<-EOT\n  terraform {\n    backend "s3" {}\n  }\n  EOT\n}', False),
        ('locals {\n a = <<EOT\nterraform {\n backend "s3" {}\n}\nEOT\n}\n' + FULL % "cloud {}", True),
        ("", False),
    ],
)
def test_only_a_block_of_terraform_counts(tmp_path: Path, text: str, found: bool) -> None:
    file = tmp_path / "main.tf"
    file.write_text(text)
    assert has_backend([file]) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"terraform": {"backend": {"s3": {}}}}', True),
        ('{"terraform": [{"required_version": "1"}, {"cloud": {}}]}', True),
        ('{"resource": {"backend": {}}, "terraform": {}}', False),
        ("no json", False),
    ],
)
def test_in_json(tmp_path: Path, text: str, found: bool) -> None:
    file = tmp_path / "main.tf.json"
    file.write_text(text)
    assert has_backend([file]) == found


@pytest.mark.parametrize("text", ['"', '"${', "/*", "<<EOT\n", '"\\'])
def test_text_that_ends_early_is_read_to_its_end(text: str) -> None:
    assert "backend" not in plain(text + " backend")


def test_what_the_last_init_recorded(tmp_path: Path) -> None:
    assert last_backend(tmp_path) is None
    (tmp_path / "terraform.tfstate").write_text('{"backend": {"type": "local", "config": {"path": "/a"}}}')
    assert last_backend(tmp_path) == ("local", "/a")
    (tmp_path / "terraform.tfstate").write_text('{"backend": {"type": "s3", "config": null}}')
    assert last_backend(tmp_path) == ("s3", "")
