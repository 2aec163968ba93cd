"""The inline program around the component: one provider, in one project and region."""

from __future__ import annotations

from collections.abc import Callable

import pulumi_gcp as gcp

from kitaru_iac.clouds.gcp.provision.component import Infrastructure
from kitaru_iac.clouds.gcp.provision.connector import role_of
from kitaru_iac.clouds.gcp.provision.layout import Layout, repository_in
from kitaru_iac.clouds.gcp.provision.names import network_name
from kitaru_iac.clouds.gcp.provision.roles import (
    OF_AGENT,
    OF_BUCKET,
    OF_CONNECTOR,
    OF_IMAGES,
    OF_NODES,
    OF_PROJECT,
)
from kitaru_iac.clouds.names import slug
from kitaru_iac.clouds.programs import NAME, inline
from kitaru_iac.spec.uris import GcsUri, parse_artifact_store

__all__ = ["physical_names", "program"]


def program(layout: Layout) -> Callable[[], None]:
    """The program that makes a layout."""

    def provider() -> gcp.Provider:
        return gcp.Provider(
            "gcp",
            project=layout.project,
            region=layout.region,
            # Else Pulumi adds a label of its own to everything.
            add_pulumi_attribution_label=False,
        )

    return inline(Infrastructure, layout.args(), provider)


def physical_names(layout: Layout) -> dict[str, str]:
    """The cloud's names for what the program calls otherwise: what is not there yet has no id."""
    found = {f"{NAME}-api-{name.partition('.')[0]}": name for name in layout.services}
    store = parse_artifact_store(layout.artifact_store) if layout.artifact_store else None
    if layout.new_bucket:
        found[f"{NAME}-bucket"] = layout.new_bucket
    if layout.new_repository:
        found[f"{NAME}-repository"] = layout.new_repository
    where = repository_in(layout.project, layout.container_registry)
    found[f"{NAME}-agent"] = "Vertex's service agent"
    found[f"{NAME}-agent-role"] = f"Vertex's service agent has {OF_AGENT} on {layout.project}"
    if where is not None:
        for use in ("agent", "custom-agent"):
            found[f"{NAME}-{use}-pull"] = (
                f"Vertex's {use.replace('-', ' ')} may pull from {where.id}"
            )
    on = f"gs://{store.bucket}" if isinstance(store, GcsUri) else layout.new_bucket
    images = where.id if where else None
    if layout.new_cluster:
        found |= _names_of_cluster(layout, layout.new_cluster, images, on)
    if layout.connector_email:
        found |= _names_of_connector(layout, layout.connector_email, images, on)
    if layout.workload_email:
        found[f"{NAME}-workload"] = layout.workload_email
    if layout.workload_service_account:
        email = layout.workload_service_account
        found[f"{NAME}-workload-submitter"] = f"{layout.submitter} acts as {email}"
        found |= {
            f"{NAME}-workload-{use}": f"{email} has {role} on {on}"
            for use, role in OF_BUCKET.items()
        }
        found |= {
            f"{NAME}-workload-{use}": f"{email} has {role} on {layout.project}"
            for use, role in OF_PROJECT.items()
        }
    return found


def _names_of_connector(
    layout: Layout, email: str, repository: str | None, bucket: str | None
) -> dict[str, str]:
    found = {
        f"{NAME}-connector": email,
        f"{NAME}-connector-images": f"{email} has {OF_IMAGES} on {repository}",
    }
    if role := OF_CONNECTOR.get(layout.type):
        found[f"{NAME}-connector-project"] = f"{email} has {role} on {layout.project}"
    for member in layout.impersonators:
        words = f"{member} has {role_of(member)} on {email}"
        found[f"{NAME}-impersonator-{slug(member, 40)}"] = words
    return found | {
        f"{NAME}-connector-{use}": f"{email} has {role} on {bucket}"
        for use, role in OF_BUCKET.items()
    }


def _names_of_cluster(
    layout: Layout, cluster: str, repository: str | None, bucket: str | None
) -> dict[str, str]:
    network = network_name(layout.stack, layout.region)
    found = {
        f"{NAME}-cluster": cluster,
        f"{NAME}-nodes": str(layout.nodes_email),
        f"{NAME}-nodes-role": f"{layout.nodes_email} has {OF_NODES} on {layout.project}",
        f"{NAME}-nodes-pull": f"{layout.nodes_email} may pull from {repository}",
    }
    if layout.options.subnets is None:
        found |= {f"{NAME}-{part}": network for part in ("network", "subnet", "router")}
        found[f"{NAME}-nat"] = f"Cloud NAT of {network}"
    return found | {
        f"{NAME}-pods-{use}": f"the pods of {cluster} have {role} on {bucket}"
        for use, role in OF_BUCKET.items()
    }
