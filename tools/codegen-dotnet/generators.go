package main

import (
	"embed"
	"net/http"

	"github.com/pulumi/pulumi/pkg/v3/codegen/dotnet"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// The package's icon, as NuGet takes it: docs/logo.svg as a PNG.
//
//go:embed logo.png
var logo embed.FS

var generators = map[string]generate{
	"dotnet": func(pkg *schema.Package) (map[string][]byte, error) {
		// The generator fetches the logo, wherever the schema says it is.
		http.DefaultTransport.(*http.Transport).RegisterProtocol(
			"file", http.NewFileTransport(http.FS(logo)))
		pkg.LogoURL = "file:///logo.png"
		return dotnet.GeneratePackage(tool, pkg, nil, nil)
	},
}
