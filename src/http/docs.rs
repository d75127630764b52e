//! Pages: the web client below `/app/`, Swagger UI below `/docs/`, and the OpenAPI document.

use std::fmt::Write as _;

use actix_web::http::header;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::problem::{self, only};
use super::{Http, openapi};
use crate::error::{Code, Fault};

/// What `build.rs` gathered.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/web"]
struct Pages;

const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:{images}; connect-src 'self' ws: wss:{files}; \
                      frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'";

pub(super) fn configure(config: &mut ServiceConfig) {
    let get = |path: &str| web::resource(path).default_service(only("GET"));
    config
        .service(get("/").route(web::get().to(|| go("/app/"))))
        .service(get("/app").route(web::get().to(|| go("/app/"))))
        .service(get("/app/{path:.*}").route(web::get().to(app)))
        .service(get("/docs").route(web::get().to(|| go("/docs/"))))
        .service(get("/docs/{path:.*}").route(web::get().to(swagger)))
        .service(get("/openapi.json").route(web::get().to(document)));
}

async fn go(to: &'static str) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, to)).finish()
}

async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::json())
}

/// The client is one page whose paths are its own: what names no file is the page.
async fn app(request: HttpRequest, path: Path<String>) -> HttpResponse {
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let wanted = if is_file { path.as_str() } else { "index.html" };
    serve(&request, &format!("app/{wanted}"), &policy(&request))
}

async fn swagger(request: HttpRequest, path: Path<String>) -> HttpResponse {
    let wanted = if path.is_empty() { "index.html" } else { path.as_str() };
    // Swagger UI writes styles into its elements.
    serve(
        &request,
        &format!("docs/{wanted}"),
        &format!("{}; style-src 'self' 'unsafe-inline'", policy(&request)),
    )
}

/// The page may read files where the server sends it for them, and show people's pictures under the
/// name that the server goes by.
fn policy(request: &HttpRequest) -> String {
    let settings = request.app_data::<Data<Http>>().map(|http| &http.pod.settings);
    let also = |origin: Option<String>| origin.map(|origin| format!(" {origin}")).unwrap_or_default();
    POLICY
        .replace("{images}", &also(settings.map(|settings| settings.public_base())))
        .replace("{files}", &also(settings.and_then(|settings| settings.files_origin())))
}

fn serve(request: &HttpRequest, path: &str, policy: &str) -> HttpResponse {
    let Some(file) = Pages::get(path) else {
        return problem::response(&Fault::new(Code::NotFound, "there is nothing at this path"));
    };
    let tag = tag(&file);
    // Names below `assets/` hold a hash of what is in them.
    let cache = if path.contains("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|tags| tags.split(',').any(|t| t.trim() == tag)) {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, cache));
    let media = mime_guess::from_path(path).first_or_octet_stream();
    if media.subtype() == mime_guess::mime::HTML {
        response.insert_header((header::CONTENT_SECURITY_POLICY, policy));
    }
    let mut response = response.finish();
    if response.status() == actix_web::http::StatusCode::NOT_MODIFIED {
        return response;
    }
    if let Ok(media) = header::HeaderValue::from_str(&content_type(&media)) {
        response.headers_mut().insert(header::CONTENT_TYPE, media);
    }
    response.set_body(actix_web::body::BoxBody::new(file.data.into_owned()))
}

fn content_type(media: &mime_guess::Mime) -> String {
    if media.type_() == mime_guess::mime::TEXT {
        format!("{media}; charset=utf-8")
    } else {
        media.to_string()
    }
}

fn tag(file: &EmbeddedFile) -> String {
    let mut tag = String::from("\"");
    for byte in file.metadata.sha256_hash().iter().take(16) {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}
