//! Pages: the web client below `/app/`, Swagger UI below `/docs/`, the OpenAPI document and the
//! AsyncAPI document.

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

/// No script and no style but from files of this server. The same as of the page's own image, in
/// `docker/frontend/default.conf`. `connect` is what the page may reach, `images` from where else it
/// shows pictures.
fn policy(connect: &str, images: &str) -> String {
    format!(
        "default-src 'self'; img-src 'self' data: blob:{images}; connect-src {connect}; frame-ancestors 'none'; \
         base-uri 'none'; object-src 'none'; form-action 'self'"
    )
}

/// The server itself, in both schemes: not every browser counts sockets to it as `'self'`.
fn own(request: &HttpRequest) -> String {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '[' | ']' | '-');
    if host.is_empty() || !host.chars().all(is_plain) {
        return "'self'".to_owned();
    }
    format!("'self' ws://{host} wss://{host}")
}

pub(super) fn configure(config: &mut ServiceConfig) {
    let get = |path: &str| web::resource(path).default_service(only("GET"));
    config
        .service(get("/").route(web::get().to(|| go("/app/"))))
        .service(get("/app").route(web::get().to(|| go("/app/"))))
        .service(get("/app/{path:.*}").route(web::get().to(app)))
        .service(get("/docs").route(web::get().to(|| go("/docs/"))))
        .service(get("/docs/{path:.*}").route(web::get().to(swagger)))
        .service(get("/openapi.json").route(web::get().to(document)))
        .service(get("/asyncapi.yaml").route(web::get().to(realtime)));
}

async fn go(to: &'static str) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, to)).finish()
}

async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::json())
}

/// Written by hand; tests hold every frame to it.
async fn realtime() -> HttpResponse {
    let document = include_str!("../../openapi/asyncapi.yaml");
    HttpResponse::Ok().content_type("application/yaml").body(document)
}

/// The client is one page whose paths are its own: what names no file is the page.
async fn app(request: HttpRequest, path: Path<String>) -> HttpResponse {
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let wanted = if is_file { path.as_str() } else { "index.html" };
    // The page may read files where the server sends it for them, and show people's pictures under
    // the name that the server goes by.
    let settings = request.app_data::<Data<Http>>().map(|http| &http.pod.settings);
    let also = |origin: Option<String>| origin.map(|origin| format!(" {origin}")).unwrap_or_default();
    let connect = own(&request) + &also(settings.and_then(|settings| settings.files_origin()));
    let images = also(settings.map(|settings| settings.public_base()));
    serve(&request, &format!("app/{wanted}"), &policy(&connect, &images))
}

async fn swagger(request: HttpRequest, path: Path<String>) -> HttpResponse {
    let wanted = if path.is_empty() { "index.html" } else { path.as_str() };
    serve(&request, &format!("docs/{wanted}"), &policy("'self'", ""))
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
