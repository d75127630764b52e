//! How statements are written out whose text never changes, so that each is prepared once per
//! connection and found by its type: diesel builds `UPDATE`, `ON CONFLICT` and lists of values
//! anew each time. A `?` stands for each value in its order; many rows are arrays and `unnest`.
//! Next: [`super::append`].

/// `statement!(Name { field: Rust type => SQL type, ... } -> SQL types of a row, "text")`.
macro_rules! statement {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty => $sql:ty),* $(,)? } -> $row:ty, $text:expr) => {
        $(#[$doc])*
        #[derive(Debug, diesel::query_builder::QueryId)]
        pub(super) struct $name {
            $(pub(super) $field: $type),*
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                let mut pieces = $text.split('?');
                out.push_sql(pieces.next().unwrap_or_default());
                $(
                    out.push_bind_param::<$sql, _>(&self.$field)?;
                    out.push_sql(pieces.next().unwrap_or_default());
                )*
                Ok(())
            }
        }

        impl diesel::query_builder::Query for $name {
            type SqlType = $row;
        }
    };
}

pub(super) use statement;
