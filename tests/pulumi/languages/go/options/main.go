// What Pulumi is told of stacks beside their properties: import, retainOnDelete, protect.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
	"github.com/zenml-io/kitaru-iac/sdk/go/kitaru"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		for name, option := range map[string]pulumi.ResourceOption{
			"adopted":  pulumi.Import(pulumi.ID("adopted")),
			"imported": pulumi.RetainOnDelete(true),
			"held":     pulumi.Protect(config.GetBool(ctx, "held")),
		} {
			if _, err := kitaru.NewStack(ctx, name, &kitaru.StackArgs{}, option); err != nil {
				return err
			}
		}
		return nil
	})
}
