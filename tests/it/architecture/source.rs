//! Reads Rust just well enough: no comments, no literals, no test modules; paths with their
//! groups spelt out.

/// A word or a mark of the text, with the line it stands on (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// A path as it is named: `["crate", "store", "Store"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
}

/// The tokens of a source text outside comments, literals and `#[cfg(test)]` items; of a file that
/// begins with `#![cfg(test)]` none.
pub fn tokens(source: &str) -> Vec<Token> {
    without_tests(&lex(source))
}

fn lex(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut i, mut line, mut tokens) = (0, 1, Vec::new());
    while i < chars.len() {
        let start = i;
        let c = at(i);
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                if at(i) == '/' && at(i + 1) == '*' {
                    (depth, i) = (depth + 1, i + 2);
                } else if at(i) == '*' && at(i + 1) == '/' {
                    (depth, i) = (depth - 1, i + 2);
                } else {
                    i += 1;
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if let Some(hashes) = raw_string(&chars, i) {
            while at(i) != '"' {
                i += 1;
            }
            i += 1;
            while i < chars.len() && !(at(i) == '"' && (1..=hashes).all(|h| at(i + h) == '#')) {
                i += 1;
            }
            i += 1 + hashes;
        } else if c == '"' {
            i += 1;
            while i < chars.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if c == '\'' {
            // A lifetime has no closing quote: `'a` against `'a'`.
            let literal = at(i + 1) == '\\' || at(i + 2) == '\'';
            i += 1;
            while literal && i < chars.len() && at(i) != '\'' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += usize::from(literal);
        } else if c.is_alphanumeric() || c == '_' {
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            tokens.push(Token { text: chars[start..i].iter().collect(), line });
        } else if c == ':' && at(i + 1) == ':' {
            i += 2;
            tokens.push(Token { text: "::".into(), line });
        } else {
            i += 1;
            if !c.is_whitespace() {
                tokens.push(Token { text: c.into(), line });
            }
        }
        line += chars[start..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

/// The number of `#` of a raw string that begins here.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).and_then(|i| chars.get(i)).copied().unwrap_or(' ');
    if before.is_alphanumeric() || before == '_' {
        return None;
    }
    let mut i = at + usize::from(chars[at] == 'b');
    if chars.get(i) != Some(&'r') {
        return None;
    }
    i += 1;
    let hashes = chars[i..].iter().take_while(|c| **c == '#').count();
    (chars.get(i + hashes) == Some(&'"')).then_some(hashes)
}

fn without_tests(all: &[Token]) -> Vec<Token> {
    if all.iter().map(|token| token.text.as_str()).take(8).eq(["#", "!", "[", "cfg", "(", "test", ")", "]"]) {
        return Vec::new();
    }
    let is = |i: usize, text: &str| all.get(i).is_some_and(|t: &Token| t.text == text);
    let (mut kept, mut i) = (Vec::new(), 0);
    while i < all.len() {
        let for_tests = is(i, "#") && is(i + 1, "[") && is(i + 2, "cfg") && {
            let end = closing(all, i + 1);
            all[i..end].iter().any(|t| t.text == "test") && !all[i..end].iter().any(|t| t.text == "not")
        };
        if !for_tests {
            kept.push(all[i].clone());
            i += 1;
            continue;
        }
        i = closing(all, i + 1);
        while is(i, "#") {
            i = closing(all, i + 1);
        }
        while i < all.len() && !is(i, "{") && !is(i, ";") {
            i += 1;
        }
        i = if is(i, "{") { closing(all, i) } else { i + 1 };
    }
    kept
}

/// Where the bracket that opens at `open` was closed, and one further.
fn closing(all: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in all.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" | "[" | "(" => depth += 1,
            "}" | "]" | ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    all.len()
}

/// Every path named, the groups of `use a::{b, c::d}` spelt out.
pub fn paths(tokens: &[Token]) -> Vec<Named> {
    let (mut found, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        let after = i.checked_sub(1).map(|b| tokens[b].text.as_str());
        if is_word(&tokens[i].text) && !matches!(after, Some("::" | ".")) {
            i = path(tokens, i, &[], &mut found).max(i + 1);
        } else {
            i += 1;
        }
    }
    found
}

fn path(tokens: &[Token], start: usize, before: &[String], found: &mut Vec<Named>) -> usize {
    let text = |i: usize| tokens.get(i).map_or("", |t: &Token| t.text.as_str());
    let (mut i, mut so_far) = (start, before.to_vec());
    let line = tokens[start].line;
    loop {
        if text(i) == "{" {
            i += 1;
            while i < tokens.len() && text(i) != "}" {
                i = match text(i) {
                    "," => i + 1,
                    _ => path(tokens, i, &so_far, found).max(i + 1),
                };
            }
            return i + 1;
        }
        if is_word(text(i)) || text(i) == "*" {
            so_far.push(text(i).to_owned());
            i += 1;
        }
        if text(i) != "::" || text(i + 1) == "<" {
            break;
        }
        i += 1;
    }
    if text(i) == "as" && !before.is_empty() {
        i += 2;
    }
    found.push(Named { path: so_far, line });
    i
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[test]
fn comments_literals_and_test_modules_are_not_read() {
    let source = r##"
        //! crate::actors
        use crate::domain::Seq; /* crate::actors /* nested */ */
        const A: (&str, &str, char) = ("crate::actors", r#"crate::"actors""#, '"');
        fn f<'a>(x: &'a str) {}
        #[cfg(test)]
        mod tests { use crate::actors::Engine; fn g() { { } } }
        use crate::error;
    "##;
    let named = paths(&tokens(source));
    assert!(!named.iter().any(|n| n.path.iter().any(|p| p == "actors")), "{named:?}");
    assert!(named.iter().any(|n| n.path == ["crate", "domain", "Seq"] && n.line == 3), "{named:?}");
    assert!(named.iter().any(|n| n.path == ["crate", "error"]), "{named:?}");
    assert!(tokens("//! Stories.\n#![cfg(test)]\nuse crate::actors;").is_empty());
}

#[test]
fn groups_are_spelt_out() {
    let named =
        paths(&tokens("use crate::{bus::{self, Shard as S}, store::sqlite::*}; fn f(x: actix::Addr<A>) {}"));
    let paths: Vec<_> = named.iter().map(|n| n.path.join("::")).collect();
    for expected in ["crate::bus::self", "crate::bus::Shard", "crate::store::sqlite::*", "actix::Addr"] {
        assert!(paths.iter().any(|p| p == expected), "{expected} is not in {paths:?}");
    }
}
