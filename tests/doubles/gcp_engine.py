"""What the stand-in of Pulumi's GCP plugin makes in the loopback, and where Google refuses.

It changes the state that the other doubles answer from, so that Google's own SDKs see what was
made. The README of `standin/` says what that does not prove.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tests.doubles.gcp_network import Gone, NetworkMaker, Refused
from tests.doubles.gcp_state import PROJECT_NUMBER, Denied, GcpState, Repository
from tests.doubles.web import Request, Response, json_response

Inputs = Mapping[str, Any]
BUCKET = "gcp:storage/bucket:Bucket"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
ACCOUNT = "gcp:serviceaccount/account:Account"
SERVICE = "gcp:projects/service:Service"
IDENTITY = "gcp:projects/serviceIdentity:ServiceIdentity"
CLUSTER = "gcp:container/cluster:Cluster"
NETWORK = "gcp:compute/network:Network"
SUBNET = "gcp:compute/subnetwork:Subnetwork"
ROUTER = "gcp:compute/router:Router"
NAT = "gcp:compute/routerNat:RouterNat"
#: The resource whose policy a member is added to, as the state calls it.
_POLICIES: Mapping[str, Callable[[Inputs], str]] = {
    "gcp:storage/bucketIAMMember:BucketIAMMember": lambda i: f"buckets/{i['bucket']}",
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": lambda i: (
        f"projects/{i['project']}/locations/{i['location']}/repositories/{i['repository']}"
    ),
    "gcp:projects/iAMMember:IAMMember": lambda i: str(i["project"]),
    "gcp:serviceaccount/iAMMember:IAMMember": lambda i: str(i["serviceAccountId"]).rsplit("/")[-1],
}
#: The API that each kind belongs to.
_APIS = {
    BUCKET: "storage",
    REPOSITORY: "artifactregistry",
    ACCOUNT: "iam",
    IDENTITY: "aiplatform",
    CLUSTER: "container",
    **dict.fromkeys((NETWORK, SUBNET, ROUTER, NAT), "compute"),
}


class Buckets(Protocol):
    """Where buckets are."""

    def create_bucket(self, name: str) -> None: ...

    def delete_bucket(self, name: str) -> bool: ...


class GcpMaker:
    """Does what the plugin is asked, one thing after the other."""

    def __init__(self, state: GcpState, buckets: Buckets) -> None:
        self._state = state
        self._buckets = buckets
        self._lock = threading.Lock()
        self._members: dict[str, dict[str, Any]] = {}
        self._network = NetworkMaker(state)
        #: The identities that the plugin was given, in order.
        self.identities: list[dict[str, str]] = []

    def __call__(self, request: Request) -> Response:
        asked = request.json()
        with self._lock:
            self.identities.append(asked["identity"])
            try:
                return json_response(self._done(asked))
            except Gone as error:
                return json_response({"missing": str(error)})
            except (Denied, Refused) as error:
                return json_response({"error": str(error)})

    def _done(self, asked: Inputs) -> dict[str, Any]:
        if asked["operation"] == "project":
            if asked["id"] != self._state.project:
                raise Refused(f"Error when reading or editing Project Not Found: {asked['id']}")
            state = {"projectId": asked["id"], "number": PROJECT_NUMBER, "id": asked["id"]}
            return {"state": state}
        if asked["operation"] == "subnetwork":
            return {"state": self._network.subnetwork(asked["id"])}
        token, inputs = str(asked["type"]), asked.get("inputs") or {}
        if token in _POLICIES:
            return self._member(asked["operation"], token, asked.get("id"), inputs)
        one = {
            BUCKET: self._bucket,
            REPOSITORY: self._repository,
            ACCOUNT: self._account,
            SERVICE: self._service,
            IDENTITY: self._identity,
            CLUSTER: self._network.cluster,
            NETWORK: self._network.network,
            SUBNET: self._network.subnet,
            ROUTER: self._network.router,
            NAT: self._network.nat,
        }[token]
        api = f"{_APIS.get(token, '')}.googleapis.com"
        if asked["operation"] == "create" and token in _APIS:
            if api not in self._state.enabled_services:
                raise Refused(
                    f"googleapi: Error 403: {api} has not been used in project {PROJECT_NUMBER} "
                    "before or it is disabled., accessNotConfigured"
                )
        found: dict[str, Any] = one(asked["operation"], str(asked.get("id") or ""), inputs)
        return found

    # --- kinds

    def _bucket(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        state = self._state
        name = id or str(inputs["name"])
        if operation == "create":
            if name in state.buckets or name in state.strangers:
                raise Refused(
                    "googleapi: Error 409: The requested bucket name is not available. The bucket "
                    "namespace is shared by all users of the system., conflict"
                )
            state.require("storage.buckets.create", name)
            self._buckets.create_bucket(name)
        elif name not in state.buckets:
            raise Gone(name)
        if operation == "delete":
            if not self._buckets.delete_bucket(name):
                raise Refused(
                    f"Error trying to delete bucket {name} containing objects without "
                    "`force_destroy` set to true"
                )
            del state.buckets[name]
            state.policies.pop(f"buckets/{name}", None)
        elif operation in {"create", "update"}:
            state.buckets[name] = _bucket_settings(inputs)
        if operation != "read":
            return {"id": name}
        return {"state": _bucket_state(name, state.project, state.buckets[name])}

    def _repository(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        held, name = self._state.repositories, id
        if operation == "create":
            name = (
                f"projects/{inputs['project']}/locations/{inputs['location']}/repositories/"
                f"{inputs['repositoryId']}"
            )
            if name in held:
                raise Refused("googleapi: Error 409: the repository already exists.")
        elif name not in held:
            raise Gone(name)
        if operation == "delete":
            del held[name]
            self._state.policies.pop(name, None)
        elif operation in {"create", "update"}:
            held[name] = Repository(
                name=name,
                format_=getattr(Repository.Format, inputs["format"]),
                mode=getattr(Repository.Mode, inputs["mode"]),
                description=inputs.get("description") or "",
                labels=inputs.get("labels") or {},
                docker_config={
                    "immutable_tags": bool(_of(inputs, "dockerConfig", "immutableTags"))
                },
            )
        if operation != "read":
            return {"id": name}
        found, parts = held[name], name.split("/")
        return {
            "state": {
                "project": parts[1],
                "location": parts[3],
                "repositoryId": parts[5],
                "format": found.format_.name,
                "mode": found.mode.name,
                "description": found.description,
                "labels": dict(found.labels),
                # Google leaves out what is false.
                "dockerConfig": {"immutableTags": True}
                if found.docker_config.immutable_tags
                else None,
                "name": parts[5],
                "registryUri": f"{parts[3]}-docker.pkg.dev/{parts[1]}/{parts[5]}",
            }
        }

    def _account(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        state = self._state
        email = id.rpartition("/")[2]
        if operation == "create":
            email = f"{inputs['accountId']}@{inputs['project']}.iam.gserviceaccount.com"
            if email in state.service_accounts:
                raise Refused(
                    "googleapi: Error 409: Service account "
                    f"{inputs['accountId']} already exists within project., alreadyExists"
                )
        elif email not in state.service_accounts:
            raise Gone(email)
        if operation == "delete":
            del state.service_accounts[email]
            state.descriptions.pop(email, None)
            state.policies.pop(email, None)
        elif operation in {"create", "update"}:
            state.service_accounts[email] = False
            state.descriptions[email] = str(inputs.get("description") or "")
        full = f"projects/{state.project}/serviceAccounts/{email}"
        if operation != "read":
            return {"id": full}
        return {
            "state": {
                "accountId": email.partition("@")[0],
                "project": state.project,
                "description": state.descriptions.get(email) or None,
                "email": email,
                "member": f"serviceAccount:{email}",
                "name": full,
                "uniqueId": "100000000000000000007",
            }
        }

    def _service(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        enabled = self._state.enabled_services
        name = id.rpartition("/")[2] or str(inputs["service"])
        if operation == "create":
            enabled.add(name)
        elif name not in enabled:
            raise Gone(name)
        elif operation == "delete" and inputs.get("disableOnDestroy") is not False:
            enabled.remove(name)
        project = self._state.project
        if operation != "read":
            return {"id": f"{project}/{name}"}
        return {"state": {"project": project, "service": name}}

    def _identity(self, operation: str, id: str, inputs: Inputs) -> dict[str, Any]:
        email = f"service-{PROJECT_NUMBER}@gcp-sa-aiplatform.iam.gserviceaccount.com"
        project = self._state.project
        if operation == "create":
            assert inputs["service"] == "aiplatform.googleapis.com"
            self._state.agents.add(email)
        service = "aiplatform.googleapis.com"
        if operation != "read":
            return {"id": f"projects/{project}/services/{service}"}
        # The real one asks nobody either: there is nothing to ask.
        about = {"email": email, "member": f"serviceAccount:{email}"}
        return {"state": {"project": project, "service": service, **about}}

    # --- policies

    def _member(self, operation: str, token: str, id: str | None, inputs: Inputs) -> dict[str, Any]:
        given = self._members.get(id or "") or dict(inputs)
        where, role, member = _POLICIES[token](given), given["role"], str(given["member"])
        bindings = self._state.policy(where)["bindings"]
        has = [one for one in bindings if one["role"] == role and member in one["members"]]
        if operation == "create":
            self._require_known(member.partition(":")[2])
            if not has:
                bindings.append({"role": role, "members": [member]})
            made = f"{where}/{role}/{member}"
            self._members[made] = {k: v for k, v in given.items() if not k.startswith("_")}
            return {"id": made}
        if not has:
            raise Gone(member)
        if operation == "delete":
            for one in has:
                one["members"].remove(member)
            bindings[:] = [one for one in bindings if one["members"]]
        return {"id": id, "state": given}

    def _require_known(self, email: str) -> None:
        """A policy takes no member that Google does not know, or not know yet."""
        state = self._state
        if email.startswith("//iam.googleapis.com/"):
            if not state.clusters:
                raise Refused(
                    "Error applying IAM policy: googleapi: Error 400: Identity Pool does not exist "
                    f"({state.project}.svc.id.goog). Please check that you specified a valid "
                    "resource name as returned in the `name` attribute in the configuration API."
                )
            return
        late = state.late.get(email, 0)
        if late:
            state.late[email] = late - 1
        if late or email not in {*state.service_accounts, *state.agents}:
            raise Refused(
                "Error applying IAM policy: googleapi: Error 400: "
                f"Service account {email} does not exist., badRequest"
            )


def _of(inputs: Inputs, *keys: str) -> Any:
    found: Any = inputs
    for key in keys:
        found = (found or {}).get(key)
    return found


def _bucket_settings(inputs: Inputs) -> dict[str, Any]:
    """As Google's JSON API has them."""
    return {
        "location": inputs["location"],
        "locationType": "region",
        "projectNumber": PROJECT_NUMBER,
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": bool(inputs.get("uniformBucketLevelAccess"))},
            "publicAccessPrevention": inputs.get("publicAccessPrevention") or "inherited",
        },
        "versioning": {"enabled": bool(_of(inputs, "versioning", "enabled"))},
        "softDeletePolicy": {
            "retentionDurationSeconds": str(
                _of(inputs, "softDeletePolicy", "retentionDurationSeconds") or 604800
            )
        },
        "labels": dict(inputs.get("labels") or {}),
        "lifecycle": {"rule": list(inputs.get("lifecycleRules") or ())},
    }


def _bucket_state(name: str, project: str, settings: Inputs) -> dict[str, Any]:
    """As the plugin has them."""
    iam = settings["iamConfiguration"]
    seconds = int(settings["softDeletePolicy"]["retentionDurationSeconds"])
    return {
        "name": name,
        "project": project,
        "location": settings["location"],
        "uniformBucketLevelAccess": iam["uniformBucketLevelAccess"]["enabled"],
        "publicAccessPrevention": iam["publicAccessPrevention"],
        "versioning": {"enabled": settings["versioning"]["enabled"]},
        "softDeletePolicy": {"retentionDurationSeconds": seconds},
        "labels": settings.get("labels") or {},
        "lifecycleRules": (settings.get("lifecycle") or {}).get("rule") or [],
        "url": f"gs://{name}",
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
    }
