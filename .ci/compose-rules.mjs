// compose-rules.mjs < JSON : what every service of the compose file has to hold, in the form that `docker-compose
// config --format json` gives it: the defaults filled in, the anchors resolved.

const { services, networks } = JSON.parse(await new Response(process.stdin).text());
const faults = [];
let checked = 0;

function hold(right, fault) {
  checked += 1;
  if (!right) faults.push(fault);
}

// Started by hand or once: they have nobody who waits for their health.
const ONCE = ["migrate", "smoke", "logging-setup", "kibana-setup"];
// Who may be root, and why; still without capabilities.
const ROOT = { filebeat: "the engine writes what containers say for root alone" };
const WORDS = /password|secret|token|postgres:\/\/|redis:\/\//i;

for (const [name, service] of Object.entries(services)) {
  hold(service.read_only === true, `${name}: its root can be written`);
  hold(service.cap_drop?.includes("ALL") && !service.cap_add, `${name}: keeps capabilities`);
  hold(service.security_opt?.includes("no-new-privileges:true"), `${name}: may gain privileges`);
  hold(!service.privileged && !service.pid && service.network_mode === undefined, `${name}: shares the host`);
  const uid = /^([1-9]\d*):([1-9]\d*)$/.test(service.user ?? "");
  hold(uid || (ROOT[name] && service.user === "0:0"), `${name}: its user is not a number, or root: ${service.user}`);
  hold(Number(service.mem_limit) > 0 && service.pids_limit > 0, `${name}: takes all memory or processes`);
  hold(service.logging?.options?.["max-size"], `${name}: its log grows without end`);
  hold(service.restart || name === "smoke", `${name}: says nothing of restarts`);
  hold(!/:latest$|^[^:@]+$/.test(service.image.split("/").pop()), `${name}: any version of ${service.image}`);
  if (ONCE.includes(name)) {
    hold(service.healthcheck?.disable === true, `${name}: runs once and has a health check`);
  } else {
    // Ours have it in their image.
    hold(service.healthcheck?.test || service.build, `${name}: has no health check`);
    hold(service.healthcheck?.disable !== true, `${name}: its health check is off`);
  }
  for (const { host_ip: host, published } of service.ports ?? []) {
    hold(host === "127.0.0.1", `${name}: port ${published} is open to ${host ?? "everyone"}`);
  }
  for (const [key, value] of Object.entries(service.environment ?? {})) {
    const file = String(value).startsWith("/run/secrets/");
    hold(file || !WORDS.test(`${key}=${value}`), `${name}: ${key} looks like a secret in the environment`);
  }
  for (const secret of service.secrets ?? []) {
    hold(secret.source, `${name}: a secret without a name`);
  }
  for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
    const due = ONCE.includes(other) ? "service_completed_successfully" : "service_healthy";
    hold(condition === due, `${name}: waits for ${other} to be ${condition}, not ${due}`);
  }
  const outside = (service.ports ?? []).length > 0;
  const edge = Object.keys(service.networks ?? {}).some((network) => !networks[network].internal);
  hold(edge === outside, `${name}: ${edge ? "reaches the outside and serves no port" : "its ports lead nowhere"}`);
}

for (const name of Object.keys(ROOT)) {
  const open = services[name].volumes.filter((one) => one.type === "bind" && !one.read_only).map((one) => one.source);
  hold(open.length === 0, `${name}: is root and writes to ${open}`);
}
// Of one version, as Kubernetes has them too.
const versions = new Set(Object.values(services).map((one) => one.image).filter((image) => /^docker\.elastic\.co\//.test(image)).map((image) => image.split(":")[1]));
hold(versions.size === 1, `of Elastic's there are the versions ${[...versions]}`);

const seconds = (text) => [...(text ?? "").matchAll(/([\d.]+)(h|m|s)/g)].reduce((sum, [, n, unit]) => sum + n * { h: 3600, m: 60, s: 1 }[unit], 0);
const backend = services.backend;
const drain = Number(backend.environment.CHAT_DRAIN_WAIT_SECONDS ?? 0) + Number(backend.environment.CHAT_DRAIN_SECONDS);
const grace = seconds(backend.stop_grace_period);
hold(grace >= drain + 10, `backend: is killed after ${grace} s, and may need ${drain} s and 10 more`);
hold(backend.deploy.replicas === 2, `backend: ${backend.deploy.replicas} of them`);
hold(backend.image === services.migrate.image, "migrate and backend are of different images");

for (const fault of faults) console.error(fault);
console.log(`compose: ${Object.keys(services).length} services, ${checked} checks, ${faults.length} faults`);
process.exit(checked > 0 && faults.length === 0 ? 0 : 1);
