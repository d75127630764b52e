// Shows the server's own API document. The address cannot be changed through
// the query string, and no outside validator is asked.
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  queryConfigEnabled: false,
  validatorUrl: null,
});
