"""Google Cloud in a description."""

from __future__ import annotations

from kitaru_iac.patterns import compiled
from kitaru_iac.spec.clouds.gcp.credentials import CREDENTIALS, read_file_content
from kitaru_iac.spec.clouds.gcp.uris import BUCKET, read_registry
from kitaru_iac.spec.clouds.shapes import DIRECTION
from kitaru_iac.spec.clouds.vocabulary import Regions, Vocabulary
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.names import gke_cluster

__all__ = ["VOCABULARY"]

# https://cloud.google.com/compute/docs/regions-zones; a zone is a region and a letter.
# Continents are spelled out, but for `us` and `me`: `eu-west1` is neither cloud's.
_REGION = compiled(rf"(?:us|me|[a-z]{{4,}})-{DIRECTION}[1-9][0-9]?")
_KNOWN = (
    "us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4 "
    "northamerica-northeast1 northamerica-northeast2 northamerica-south1 southamerica-east1 "
    "southamerica-west1 europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 "
    "europe-west8 europe-west9 europe-west10 europe-west12 europe-central2 europe-north1 "
    "europe-north2 europe-southwest1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 "
    "asia-northeast3 asia-south1 asia-south2 asia-southeast1 asia-southeast2 "
    "australia-southeast1 australia-southeast2 me-central1 me-central2 me-west1 africa-south1"
)

VOCABULARY = Vocabulary(
    cloud=Cloud.GCP,
    article="a",
    regions=Regions(
        example="us-central1",
        shape=_REGION,
        known=tuple(_KNOWN.split()),
        telling=compiled(rf"{_REGION.pattern}(?:-[a-z])?"),
        zone=compiled(rf"(?P<region>{_REGION.pattern})-[a-z]"),
        zone_is_location=True,
        stem=lambda name: name.partition("-")[0],
    ),
    store="a GCS bucket",
    registry="an Artifact Registry repository",
    cluster=gke_cluster,
    types=(StackType.VERTEX,),
    bucket=BUCKET,
    read_registry=read_registry,
    credentials=CREDENTIALS,
    read_credential_file=read_file_content,
)
