package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
	"github.com/zenml-io/kitaru-iac/sdk/go/kitaru"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		args := &kitaru.StackArgs{Type: kitaru.StackTypeLocal}
		if store := config.Get(ctx, "store"); store != "" {
			args.ArtifactStore = pulumi.String(store)
		}
		dev, err := kitaru.NewStack(ctx, "dev", args)
		if err != nil {
			return err
		}
		ctx.Export("stackId", dev.ID())
		ctx.Export("store", dev.ArtifactStore)
		return nil
	})
}
