// problems.mjs < JSON : what Redocly found, a line each; any of it ends with 1.
const { totals, problems } = JSON.parse(await new Response(process.stdin).text());
for (const one of problems) console.error(`${one.severity} ${one.ruleId}: ${one.message} ${one.location[0]?.pointer ?? ""}`);
process.exit(totals.errors + totals.warnings === 0 ? 0 : 1);
