//! The metrics of HTTP, under the names that dashboards and alerts ask for.

use actix_web_prom::{
    ActixMetricsConfiguration, LabelsConfiguration, PrometheusMetrics, PrometheusMetricsBuilder,
};
use prometheus::Registry;

/// Requests by method, route and status.
pub const REQUESTS: &str = "http_requests_total";
/// How long they took, by the same.
pub const DURATION: &str = "http_request_duration_seconds";
/// The route of what fits none: without it every path a scanner tries would be a new series.
pub const UNKNOWN: &str = "UNKNOWN";

/// The middleware that counts requests into `registry`. Made once and cloned for each worker.
///
/// # Errors
/// When the registry has metrics of these names already.
pub fn middleware(registry: &Registry) -> Result<PrometheusMetrics, String> {
    let labels = LabelsConfiguration::default().endpoint("route").method("method").status("status");
    let names = ActixMetricsConfiguration::default()
        .http_requests_total_name(REQUESTS)
        .http_requests_duration_seconds_name(DURATION)
        .labels(labels);
    PrometheusMetricsBuilder::new("")
        .registry(registry.clone())
        .metrics_configuration(names)
        .mask_unmatched_patterns(UNKNOWN)
        // A socket lasts for hours: its length is no response time.
        .exclude("/ws")
        .build()
        .map_err(|error| error.to_string())
}
