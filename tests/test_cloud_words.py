"""Clouds are named in their own rooms: `clouds/`, and the vocabulary of descriptions in `spec/`.

Everything else asks the registry, so that a cloud is added without touching it. What is left is
listed below, word by word and with its reason: a new word fails here, and so does a reason for a
word that is gone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kitaru_iac

# Reads the sources, and runs none of them.
pytestmark = pytest.mark.no_cover

PACKAGE = Path(kitaru_iac.__file__).parent
ROOMS = ("clouds/", "spec/")

#: The names of clouds, of their SDKs, products and schemes, as they stand in words and identifiers.
WORDS = frozenset(
    word
    for line in (
        "aws amazon amazonaws boto boto3 botocore s3 ecr eks ec2 iam sts kms sagemaker arn arns",
        "gcp gs gcs gcr gke google googleapis googleapiclient vertex",
        "azure azureml azurecr msrest aks acr az abfs abfss entra",
    )
    for word in line.split()
)

ENGINE = "the wire of the Pulumi engine: Google's protobuf, not its cloud"
OPTIONS = "the vocabulary of descriptions in the texts and values of options; spec/fields has it"
TESTING = "a cloud on loopback, for tests of users"
ZENML = "ZenML's own words for connectors, resources and flavors, and what it says when they fail"
#: What may be said outside the rooms, by module, and why.
ALLOWED: dict[str, tuple[str, str]] = {
    "cli/stack_new_repo.py": ("aws azure gcp", "the extras of this distribution, as an option"),
    "engine/errors.py": ("aws", "what a provider plugin says, to know missing credentials by"),
    "engine/property_values.py": ("arn", "the last word of settings' names, as `secretArn`"),
    "engine/workspace.py": ("gs s3", "the schemes of the backends that Pulumi knows"),
    "pulumi/azure.py": ("azure", "a public module: programs import Azure's component from it"),
    "pulumi/aws.py": ("aws", "a public module: programs import AWS's component from it"),
    "pulumi/gcp.py": ("gcp", "a public module: programs import GCP's component from it"),
    "pulumi/one_status.py": ("google", ENGINE),
    "pulumi/plugin/servicer.py": ("google", ENGINE),
    "pulumi/plugin/wire.py": ("google", ENGINE),
    "gateway/memory.py": ("aws azure gcp", ZENML),
    "records/explanations.py": (
        "acr aks aws az azure ecr eks gcp gcs google iam s3 sts",
        ZENML,
    ),
    "records/implicit_auth.py": ("aws azure gcp", ZENML),
    "records/preflight.py": ("arn aws azure gcp", ZENML),
    "redaction/__init__.py": ("abfs abfss arn az azure", "what is no secret before an `@`"),
    "redaction/signs.py": ("arn aws azure gcp", "what secrets are spelled like, to hide them"),
    "testing/__init__.py": ("aws", TESTING),
    "testing/_moto.py": ("eks", TESTING),
    "testing/aws.py": ("aws boto3 ec2 iam", TESTING),
    "testing/aws_parts.py": (
        "amazonaws arn aws ec2 ecr eks iam boto3 s3 sagemaker sts",
        TESTING,
    ),
    "testing/plugin.py": ("aws", TESTING),
    "repository/contents.py": (
        "amazonaws aws azure gcp sts",
        "the extras of this distribution, and the login of its jobs",
    ),
}


def said(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name, string and import of a module but its docstrings, with the line."""
    texts = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=str() as text) if id(node) not in texts:
                yield line, text
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield line, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield line, name
            case ast.ClassDef(name=name) | ast.alias(name=name) | ast.keyword(arg=str(name)):
                yield line, name
        if isinstance(node, ast.ImportFrom):
            yield line, node.module or ""
        elif isinstance(node, ast.alias) and node.asname:
            yield line, node.asname


def words(text: str) -> set[str]:
    """The words of a text or an identifier: ``EksCluster`` has two."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return {word.lower() for word in re.split(r"[^A-Za-z0-9]+", parted)}


def clouds_in(source: str) -> dict[str, list[int]]:
    """The words of `WORDS` that a module says, with the lines."""
    found: dict[str, list[int]] = {}
    for line, text in said(ast.parse(source)):
        for word in words(text) & WORDS:
            found.setdefault(word, []).append(line)
    return found


def is_generated(path: Path) -> bool:
    """Whether `scripts/generate` writes a module from the table of fields, which is in `spec/`."""
    return "Written by scripts/generate" in path.read_text(encoding="utf-8")[:200]


def test_clouds_are_named_in_their_own_rooms_alone() -> None:
    new = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if module.startswith(ROOMS) or is_generated(path):
            continue
        allowed = ALLOWED.get(module, ("", ""))[0].split()
        for word, lines in clouds_in(path.read_text(encoding="utf-8")).items():
            if word not in allowed:
                new.append(f"{module}: `{word}` in lines {sorted(set(lines))}")
    assert new == [], "ask kitaru_iac.clouds.registry, or move it to clouds/ or spec/clouds/"


@pytest.mark.parametrize("module", ALLOWED)
def test_what_is_allowed_is_still_said(module: str) -> None:
    path = PACKAGE / module
    assert path.is_file(), "take the module off the list"
    gone = set(ALLOWED[module][0].split()) - set(clouds_in(path.read_text(encoding="utf-8")))
    assert gone == set(), "take these words off the list"


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("from kitaru_iac.clouds.aws import verify", "aws"),
        ("from kitaru_iac.clouds import gcp", "gcp"),
        ("import boto3.session as s", "boto3"),
        ("import storage as gcs", "gcs"),
        ("if spec.cloud is Cloud.AZURE: pass", "azure"),
        ("def judge_eks_cluster(): pass", "eks"),
        ("async def ask_aws(): pass", "aws"),
        ("class EksCluster: pass", "eks"),
        ("class S3Bucket: pass", "s3"),
        ("f(sagemaker_role=1)", "sagemaker"),
        ("def f(arn): pass", "arn"),
        ("why = f'see {x}: s3://{bucket}'", "s3"),
        ("raise KitaruError('exists for AWS only')", "aws"),
        ("KIND = {'pulumi:providers:aws': 1}", "aws"),
    ],
)
def test_a_cloud_that_is_named_is_found(source: str, word: str) -> None:
    assert word in clouds_in(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""The S3 bucket of AWS."""',
        'def f():\n    """Ask AWS."""',
        'class A:\n    b: str\n    """As `s3://bucket`."""',
        "# as AWS does\nx = 1",
        "laws = {'draws': 'gsettings', 'azimuth': asset}",
    ],
)
def test_prose_and_other_words_are_not_taken_for_clouds(source: str) -> None:
    assert clouds_in(source) == {}
