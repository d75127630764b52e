//! Traces: the context of the W3C (<https://www.w3.org/TR/trace-context/>), and what is told to whoever
//! collects spans. Knows no library for it; `crate::app` has one.

use std::fmt;
use std::time::Duration;

use crate::domain::journey::Step;
use crate::domain::{MessageId, Timestamp};

/// What a request is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Never zero.
    pub trace: u128,
    /// Of the span. Never zero.
    pub span: u64,
    /// Whether somebody keeps it.
    pub sampled: bool,
}

impl TraceContext {
    /// From `traceparent`; `None` for anything that is none.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            (part.len() == digits && part.bytes().all(lower)).then_some(part)
        };
        let version = part(2)?;
        let (trace, span, flags) = (part(32)?, part(16)?, part(2)?);
        // A later version may say more; this one does not.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let (trace, span) = (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
        let flags = u8::from_str_radix(flags, 16).ok()?;
        (trace != 0 && span != 0).then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

/// As in `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, sampled } = self;
        write!(f, "00-{trace:032x}-{span:016x}-0{}", u8::from(*sampled))
    }
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct AnsweredRequest {
    pub context: TraceContext,
    /// The span of whoever asked, where the trace is his.
    pub parent: Option<u64>,
    pub method: String,
    /// The pattern, never the path.
    pub route: String,
    pub status: u16,
    pub began: Timestamp,
    pub took: Duration,
    /// The message that it wrote, if its way is noted.
    pub message: Option<MessageId>,
}

/// Who keeps spans. Never waits.
pub trait Tracer: Send + Sync + 'static {
    /// A request that somebody keeps was answered.
    fn answered(&self, request: AnsweredRequest);

    /// A message whose way is noted passed a station here.
    fn passed(&self, step: Step);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_comes_back_as_it_went() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = TraceContext::parse(header).expect("valid");
        assert_eq!((context.span, context.sampled), (0xb7ad_6b71_6920_3331, true));
        assert_eq!(context.to_string(), header);
        let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        assert_eq!(TraceContext::parse(unsampled).map(|context| context.sampled), Some(false));
        // What a later version adds is nothing to this one.
        assert!(
            TraceContext::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some()
        );
    }

    #[test]
    fn what_is_no_context_is_none() {
        for header in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-é-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(header), None, "{header}");
        }
    }
}
