//! What paperclip has to know of a type that wraps the body of a request or an answer.

/// Gives each wrapper the schema of what it wraps.
macro_rules! with_schema_within {
    ($($wrapper:ident),+) => {$(
        impl<T: paperclip::v2::schema::Apiv2Schema> paperclip::v2::schema::Apiv2Schema for $wrapper<T> {
            fn name() -> Option<String> {
                T::name()
            }

            fn description() -> &'static str {
                T::description()
            }

            fn raw_schema() -> paperclip::v2::models::DefaultSchemaRaw {
                T::raw_schema()
            }
        }
    )+};
}

pub(super) use with_schema_within;
