"""Which code host a job runs on."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.hosts.model import Host

__all__ = ["host_of"]


def host_of(environ: Mapping[str, str]) -> Host:
    """Tell the code host from the variables that its CI sets; one that does nothing elsewhere."""
    # Both set GitHub's variables too, and lack the API that tells whose a comment is.
    others = (environ.get("GITEA_ACTIONS"), environ.get("FORGEJO_ACTIONS"))
    if environ.get("GITHUB_ACTIONS") == "true" and "true" not in others:
        from kitaru_iac.hosts.github import GitHub

        return GitHub(environ)
    if environ.get("GITLAB_CI") == "true":
        from kitaru_iac.hosts.gitlab import GitLab

        return GitLab(environ)
    from kitaru_iac.hosts.plain import NoHost

    return NoHost()
