import * as pulumi from "@pulumi/pulumi";
import * as kitaru from "@zenml-io/kitaru";

const config = new pulumi.Config();
const dev = new kitaru.Stack("dev", {
    type: kitaru.StackType.Local,
    artifactStore: config.get("store"),
});

export const stackId = dev.id;
export const store = dev.artifactStore;
