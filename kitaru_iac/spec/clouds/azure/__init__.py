"""Azure in a description."""

from __future__ import annotations

from kitaru_iac.patterns import compiled
from kitaru_iac.spec.clouds.azure.credentials import CREDENTIALS
from kitaru_iac.spec.clouds.azure.uris import BUCKET, read_registry
from kitaru_iac.spec.clouds.vocabulary import Regions, Vocabulary
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.names import aks_cluster

__all__ = ["VOCABULARY"]

# https://learn.microsoft.com/azure/reliability/regions-list, the column "Programmatic name".
_REGION = compiled(r"[a-z]{4,}[0-9]?[a-z]*")
_KNOWN = (
    "westeurope northeurope eastus eastus2 westus westus2 westus3 centralus northcentralus "
    "southcentralus westcentralus canadacentral canadaeast mexicocentral brazilsouth "
    "brazilsoutheast chilecentral uksouth ukwest francecentral francesouth germanywestcentral "
    "germanynorth italynorth norwayeast norwaywest polandcentral spaincentral swedencentral "
    "swedensouth switzerlandnorth switzerlandwest austriaeast belgiumcentral denmarkeast "
    "australiaeast australiasoutheast australiacentral australiacentral2 newzealandnorth "
    "eastasia southeastasia japaneast japanwest koreacentral koreasouth centralindia "
    "southindia westindia jioindiawest jioindiacentral indonesiacentral malaysiawest "
    "uaenorth uaecentral qatarcentral israelcentral southafricanorth southafricawest "
    "usgovvirginia usgovarizona usgovtexas chinaeast2 chinaeast3 chinanorth2 chinanorth3"
)

VOCABULARY = Vocabulary(
    cloud=Cloud.AZURE,
    article="an",
    # Any word looks like one, so that none tells the cloud.
    regions=Regions(
        example="westeurope",
        shape=_REGION,
        known=tuple(_KNOWN.split()),
        stem=lambda name: name.rstrip("0123456789"),
    ),
    store="a blob container",
    registry="an Azure container registry",
    cluster=aks_cluster,
    types=(StackType.AZUREML,),
    bucket=BUCKET,
    read_registry=read_registry,
    credentials=CREDENTIALS,
)
