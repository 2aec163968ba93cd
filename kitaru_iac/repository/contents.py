"""What is in a platform repository: its files by their paths, for the stacks and the CI asked for.

The files come with this package; what differs between repositories stands in them as ``@WORD@``.
The Pulumi project itself is the one at the root of this repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from kitaru_iac._version import __version__
from kitaru_iac.errors import UsageError
from kitaru_iac.patterns import compiled

__all__ = ["CIS", "CLOUDS", "ENGINE", "ENVIRONMENTS", "PROJECT", "files", "is_from_here"]

#: What the project is called, unless told otherwise.
PROJECT: Final = "kitaru-stacks"
#: The extras of this package that a repository can ask for.
CLOUDS: Final = ("aws", "gcp", "azure", "all")
#: The environments, unless told otherwise: a Pulumi stack each, in the order of promotion.
ENVIRONMENTS: Final = ("dev", "prod")
#: Where its jobs run.
CIS: Final = ("github", "gitlab", "none")
#: The Pulumi engine that its jobs use: the one that this version is tested with.
ENGINE: Final = "3.274.1"

_FOLDER: Final = Path(__file__).parent / "files"
#: Where each file comes from; a name with a dot in front would be one of this package's own.
_SOURCES: Final = {
    "Pulumi.yaml": "Pulumi.yaml",
    "programs/__main__.py": "programs/__main__.py",
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
}
_GITHUB: Final = {
    ".github/workflows/stacks.yml": "github/stacks.yml",
    ".github/workflows/drift.yml": "github/drift.yml",
    ".github/dependabot.yml": "github/dependabot.yml",
}
_GITLAB: Final = {".gitlab-ci.yml": "gitlab/pipeline.yml", "renovate.json": "gitlab/renovate.json"}
#: Of each cloud, who GitLab's token is for, and the variable that names the token's file.
_TOKENS: Final = {
    "aws": ("sts.amazonaws.com", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    "gcp": ("$GCP_AUDIENCE", "GCP_ID_TOKEN_FILE"),
    "azure": ("api://AzureADTokenExchange", "AZURE_FEDERATED_TOKEN_FILE"),
}
# Pulumi's rule for a project's name and Python's for a package's, together.
_NAME: Final = compiled(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
#: What is a name of a Pulumi stack, of an environment of the code hosts, and of a file.
_ENVIRONMENT: Final = compiled(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,38}[A-Za-z0-9])?")
_MOST_ENVIRONMENTS: Final = 20
_PACKAGE: Final = "kitaru-iac"


def files(
    project: str = PROJECT,
    cloud: str | None = None,
    environments: Sequence[str] = ENVIRONMENTS,
    ci: str = "github",
) -> dict[str, str]:
    """Give the files of a repository by their path.

    Args:
        project: The Pulumi project's name.
        cloud: The extra of this package that it needs.
        environments: The Pulumi stacks, in the order in which a change reaches them.
        ci: Where its jobs run: one of `CIS`.

    Raises:
        UsageError: A name cannot be one, or there is no such cloud or CI.
    """
    _check(project, cloud, environments, ci)
    clouds = ("aws", "gcp", "azure") if cloud == "all" else (cloud,) if cloud else ()
    words = {"STACKS": json.dumps(list(environments)), "ENGINE": ENGINE, "FIRST": environments[0]}
    sources = dict(_SOURCES)
    if ci == "github":
        sources |= _GITHUB
        words |= _github_words(clouds)
    elif ci == "gitlab":
        sources |= _GITLAB
        words |= _gitlab_words(clouds, environments)
    words["CI"] = _source(f"{ci}/README.md").read_text("utf-8") if ci != "none" else ""
    extra = f"[{cloud}]" if cloud else ""
    found = {}
    for target, source in sources.items():
        text = _filled(_source(source).read_text("utf-8"), words)
        # In YAML `on` and `007` are no names, unless they are quoted.
        text = text.replace(f"name: {PROJECT}\n", f"name: {_scalar(project)}\n")
        text = text.replace(PROJECT, project)
        found[target] = text.replace(f'["{_PACKAGE}"]', f'["{_PACKAGE}{extra}~={__version__}"]')
    for name in environments:
        found[f"Pulumi.{name}.yaml"] = _part("Pulumi.stack.yaml", STACK=name)
        found[f"stacks/{name}.yaml"] = _part("stack.yaml")
    found["pyproject.toml"] += _origin()
    return dict(sorted(found.items()))


def _scalar(name: str) -> str:
    """A project's name in YAML: as it is, where every reader takes it for a text."""
    return name if re.fullmatch(r"[A-Za-z][A-Za-z._-]{5,}", name) else json.dumps(name)


def is_from_here() -> bool:
    """Say whether this package was installed from a folder or file that no other machine has."""
    url = urlsplit(str(_direct_url().get("url", "")))
    return url.scheme == "file"


# -- CI --------------------------------------------------------------------------------------------


def _github_words(clouds: Sequence[str]) -> dict[str, str]:
    login = "".join(_part(f"github/login-{cloud}.yml") for cloud in clouds)
    oidc = "      id-token: write # the login to the cloud\n" if clouds else ""
    return {
        "SET_UP": _part("github/set-up.yml", LOGIN=login, ENGINE=ENGINE).rstrip("\n"),
        "VARIABLES": _part("github/variables.yml").rstrip("\n"),
        "OIDC": oidc,
    }


def _gitlab_words(clouds: Sequence[str], environments: Sequence[str]) -> dict[str, str]:
    tokens, variables, login = [], [], []
    for cloud in clouds:
        audience, variable = _TOKENS[cloud]
        token, file = f"{cloud.upper()}_ID_TOKEN", f"/tmp/{cloud}-id-token"  # noqa: S108
        tokens.append(f"    {token}:\n      aud: {audience}\n")
        variables.append(f"    {variable}: {file}\n")
        login.append(f'    - (umask 077 && printf %s "${token}" > {file})\n')
    given = ""
    if clouds:
        given = f"  id_tokens:\n{''.join(tokens)}  variables:\n{''.join(variables)}"
    jobs = []
    for before, name in zip((None, *environments), environments, strict=False):
        gate = ""
        if before is not None:
            # Somebody starts it, after the one before; a protected environment says who may.
            gate = f'      when: manual\n      allow_failure: false\n  needs: ["up {before}"]\n'
        jobs.append(_part("gitlab/up.yml", STACK=name, GATE=gate))
    return {"ID_TOKEN": given, "LOGIN": "".join(login), "UP": "".join(jobs).rstrip("\n") + "\n"}


def _part(source: str, **words: str) -> str:
    return _filled(_source(source).read_text("utf-8"), words)


def _filled(text: str, words: Mapping[str, str]) -> str:
    """The text with each ``@WORD@`` that is known; what stands for one is not read again."""
    return re.sub(r"@([A-Z_]+)@", lambda found: words.get(found[1], found[0]), text)


# -- what was asked for ----------------------------------------------------------------------------


def _check(project: str, cloud: str | None, environments: Sequence[str], ci: str) -> None:
    if not _NAME.fullmatch(project) or re.sub(r"[-_.]+", "-", project).lower() == _PACKAGE:
        raise UsageError(
            f"'{project}' cannot be the name of a project",
            where="--name",
            why=f"It is letters, digits, '-', '_' and '.', and not {_PACKAGE} itself.",
        )
    if cloud is not None and cloud not in CLOUDS:
        raise UsageError(f"There is no cloud '{cloud}': {', '.join(CLOUDS)}", where="--cloud")
    if ci not in CIS:
        raise UsageError(f"There is no CI '{ci}': {', '.join(CIS)}", where="--ci")
    problems = list(_wrong(environments))
    if problems:
        raise UsageError(
            "These cannot be the environments",
            where="--environments",
            why=" ".join(problems),
            remedy="Name them as `--environments dev,prod`.",
        )


def _wrong(environments: Sequence[str]) -> Iterator[str]:
    if not 1 <= len(environments) <= _MOST_ENVIRONMENTS:
        yield f"There are 1 to {_MOST_ENVIRONMENTS}, not {len(environments)}."
    for name in environments:
        if not _ENVIRONMENT.fullmatch(name):
            yield (
                f"{name!r} is not up to 40 letters, digits, '-' and '_', with a letter or digit "
                "at each end."
            )
    # Code hosts and some file systems take names for one that differ in capitals alone.
    folded = [name.casefold() for name in environments]
    for name in sorted({name for name in folded if folded.count(name) > 1}):
        yield f"{name!r} is named twice."
    for name in folded:
        if f"{name}-preview" in folded:
            yield f"'{name}-preview' is the environment of {name!r}'s previews."


# -- where this package is from --------------------------------------------------------------------


def _origin() -> str:
    """Where this package is from, for uv, if it is from a Git repository that others reach too."""
    place = _direct_url()
    vcs = place.get("vcs_info")
    url = _without_login(str(place.get("url", "")))
    if not isinstance(vcs, dict) or vcs.get("vcs") != "git" or url is None:
        return ""
    source = {"git": url, "rev": str(vcs.get("commit_id", ""))}
    fields = ", ".join(f"{key} = {json.dumps(value)}" for key, value in source.items())
    return (
        f"\n[tool.uv.sources]\n"
        f"# As it was installed where this was written. Without this line it comes from your "
        f"package index.\n"
        f"{_PACKAGE} = {{ {fields} }}\n"
    )


def _direct_url() -> dict[str, object]:
    """How this package was installed, as PEP 610 says it; empty if from an index."""
    try:
        found = json.loads(metadata.distribution(_PACKAGE).read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _without_login(url: str) -> str | None:
    """A URL without a password or token; None for one that only this machine knows."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http", "ssh") or not parts.hostname:
        return None
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "ssh" and parts.username:
        host = f"{parts.username}@{host}"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _source(name: str) -> Path:
    """A file of the package; the project's own are at the root of a checkout."""
    packaged = _FOLDER / name
    return packaged if packaged.exists() else Path(__file__).parents[2] / name
