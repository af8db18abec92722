// Shows the document that stands beside this page. Keys that are entered stay in memory.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  defaultModelRendering: "example",
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  syntaxHighlight: { theme: "nord" },
  tryItOutEnabled: true,
  validatorUrl: null,
});
