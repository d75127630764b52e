//! What a mail says: a subject, some lines, one link. Written out as text and as HTML, so that both
//! say the same, and so that nothing given by people can become part of the HTML.

use std::fmt::Write as _;

/// The words of one mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Words {
    pub subject: String,
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Line(String),
    Link { label: String, url: String },
}

impl Words {
    #[must_use]
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), parts: Vec::new() }
    }

    /// A paragraph.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.parts.push(Part::Line(line.into()));
        self
    }

    /// What the mail is for.
    #[must_use]
    pub fn link(mut self, label: impl Into<String>, url: impl Into<String>) -> Self {
        self.parts.push(Part::Link { label: label.into(), url: url.into() });
        self
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            // Writing to a String cannot fail.
            let _ = match part {
                Part::Line(line) => write!(text, "{}\r\n\r\n", plain(line)),
                Part::Link { label, url } => write!(text, "{}:\r\n{}\r\n\r\n", plain(label), plain(url)),
            };
        }
        text
    }

    /// As HTML without anything that is loaded from elsewhere.
    #[must_use]
    pub fn html(&self) -> String {
        let mut html = format!(
            "<!doctype html>\r\n<html lang=\"en\">\r\n<head><meta charset=\"utf-8\"><title>{}</title></head>\r\n\
             <body style=\"font-family:sans-serif;line-height:1.5\">\r\n",
            escaped(&self.subject)
        );
        for part in &self.parts {
            // Writing to a String cannot fail.
            let _ = match part {
                Part::Line(line) => write!(html, "<p>{}</p>\r\n", escaped(line)),
                Part::Link { label, url } => {
                    write!(html, "<p><a href=\"{}\">{}</a></p>\r\n", escaped(url), escaped(label))
                }
            };
        }
        html.push_str("</body>\r\n</html>\r\n");
        html
    }
}

// What a mail says is for one pair of eyes: logs and panics never print it.
impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Words({:?}, …)", self.subject)
    }
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_html_say_the_same() {
        let words = Words::new("Subject").line("One.").link("Open", "https://x.example/#/a/b").line("Two.");
        assert_eq!(words.text(), "One.\r\n\r\nOpen:\r\nhttps://x.example/#/a/b\r\n\r\nTwo.\r\n\r\n");
        let html = words.html();
        for part in ["<p>One.</p>", "<a href=\"https://x.example/#/a/b\">Open</a>", "<title>Subject</title>"]
        {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn what_people_wrote_stays_text() {
        let bad = "\"><script>alert('1')</script>&\r\nBcc: x";
        let words = Words::new(bad).line(bad).link(bad, bad);
        let html = words.html();
        assert!(!html.contains("<script") && !html.contains("alert('"), "{html}");
        assert!(html.contains("&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;  Bcc: x"));
        assert!(!words.text().contains("\r\nBcc"));
    }

    #[test]
    fn what_it_says_is_not_printed() {
        let words = Words::new("Subject").link("Open", "https://x.example/#/secret");
        assert!(!format!("{words:?}").contains("secret"));
    }
}
