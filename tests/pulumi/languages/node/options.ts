// What Pulumi is told of stacks beside their properties: import, retainOnDelete, protect.
import * as pulumi from "@pulumi/pulumi";
import * as kitaru from "@zenml-io/kitaru";

const config = new pulumi.Config();
new kitaru.Stack("adopted", {}, { import: "adopted" });
new kitaru.Stack("imported", {}, { retainOnDelete: true });
new kitaru.Stack("held", {}, { protect: config.getBoolean("held") });
