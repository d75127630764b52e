//! A JSON body: an object. serde alone would also take a list of its fields' values for one, which
//! no document tells of.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::web::Json;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use paperclip::actix::OperationModifier;
use paperclip::v2::models::DefaultOperationRaw;
use paperclip::v2::schema::Apiv2Schema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::wrapped::with_schema_within;

/// The body of a request, as `T` describes it.
pub(super) struct Body<T>(T);

impl<T> Body<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Json::<Object<T>>::from_request(request, payload);
        Box::pin(async move { Ok(Self(body.await?.into_inner().0)) })
    }
}

with_schema_within!(Body);

impl<T: Apiv2Schema> OperationModifier for Body<T> {
    fn update_parameter(operation: &mut DefaultOperationRaw) {
        Json::<T>::update_parameter(operation);
    }
}

/// Of a field: tells null from what is left out.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// What is read from an object and from nothing else.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair {
        one: u8,
        two: Option<u8>,
    }

    fn read(text: &str) -> Result<Pair, String> {
        serde_json::from_str::<Object<Pair>>(text).map(|object| object.0).map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_is_read_as_ever() {
        assert_eq!(read(r#"{"one":1,"three":3}"#), Ok(Pair { one: 1, two: None }));
        let error = read(r#"{"two":2}"#).expect_err("something is missing");
        assert!(error.starts_with("missing field `one`"), "{error}");
        let error = read(r#"{"one":1,"one":1}"#).expect_err("something is there twice");
        assert!(error.starts_with("duplicate field `one`"), "{error}");
    }

    #[test]
    fn a_list_of_values_is_no_object() {
        for text in ["[1, 2]", "[]", "null", "1", r#""one""#] {
            let error = read(text).expect_err("no object");
            assert!(error.contains("expected an object"), "{text}: {error}");
        }
    }
}
