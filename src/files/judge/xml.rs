//! The XML of a document of Word: nothing in it may load or start something when it is opened.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Unfit;

const BAD: Unfit = Unfit::Refused("the DOCX is damaged, or no document of Word");
const MACROS: Unfit = Unfit::Refused("documents with macros are not taken");
const INSIDE: Unfit = Unfit::Refused("documents with other files inside are not taken");
const LOADS: Unfit = Unfit::Refused(
    "the document loads something from elsewhere when it is opened, such as a template, a linked picture or data of another program",
);
const DEFINES: Unfit = Unfit::Refused("documents that define words of their own (DTD) are not taken");
const DRAWN: Unfit = Unfit::Refused("drawings with scripts are not taken");

/// Whose main part is this.
const MAIN: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
/// What other parts are to a part, where they are files of their own or run.
const HELD: [&str; 9] = [
    "afchunk",
    "oleobject",
    "package",
    "control",
    "activexcontrolbinary",
    "subdocument",
    "frame",
    "externallink",
    "attachedtoolbars",
];
/// Fields that ask another program or file when the document is opened or renewed.
const ASKING: [&str; 6] = ["DDE", "DDEAUTO", "LINK", "INCLUDETEXT", "DATABASE", "IMPORT"];

/// The text of a part: UTF-8, or UTF-16 with its mark.
fn text_of(content: &[u8]) -> Option<Cow<'_, str>> {
    match content {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let plain = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
            std::str::from_utf8(plain).ok().map(Cow::Borrowed)
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Cow<'static, str>> {
    let (units, []) = bytes.as_chunks::<2>() else { return None };
    let text: Result<String, _> = char::decode_utf16(units.iter().map(|pair| unit(*pair))).collect();
    text.ok().map(Cow::Owned)
}

/// Shows everything that stands in a part.
fn read(content: &[u8], mut see: impl FnMut(&Event<'_>) -> Result<(), Unfit>) -> Result<(), Unfit> {
    let text = text_of(content).filter(|text| !text.contains('\0')).ok_or(BAD)?;
    let text = text.trim_start();
    if !text.starts_with('<') {
        return Err(BAD);
    }
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().map_err(|_| BAD)? {
            Event::Eof => return Ok(()),
            Event::DocType(_) => return Err(DEFINES),
            Event::Decl(declaration) => {
                // What is read here as one thing must be read so by others.
                let said = declaration.encoding().transpose().map_err(|_| BAD)?;
                let known = |said: &[u8]| {
                    [&b"utf-8"[..], b"utf-16", b"us-ascii"].iter().any(|name| said.eq_ignore_ascii_case(name))
                };
                if said.is_some_and(|said| !known(&said)) {
                    return Err(BAD);
                }
            }
            event => see(&event)?,
        }
    }
}

/// An element's attribute, by its name without what stands before a colon.
fn attribute<'e>(element: &'e BytesStart<'_>, name: &str) -> Result<Option<Cow<'e, str>>, Unfit> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|_| BAD)?;
        if attribute.key.local_name().as_ref() == name.as_bytes() {
            return attribute.normalized_value(XmlVersion::Implicit1_0).map(Some).map_err(|_| BAD);
        }
    }
    Ok(None)
}

/// The list of what the parts are. Whether there is a document of Word among them.
pub(super) fn types(content: &[u8]) -> Result<bool, Unfit> {
    let mut is_document = false;
    read(content, |event| {
        let (Event::Start(element) | Event::Empty(element)) = event else { return Ok(()) };
        let Some(kind) = attribute(element, "ContentType")? else { return Ok(()) };
        let lower = kind.to_ascii_lowercase();
        if lower.contains("macroenabled") || lower.contains("vbaproject") {
            return Err(MACROS);
        }
        is_document |= kind == MAIN;
        Ok(())
    })?;
    Ok(is_document)
}

/// What a part has to do with others. What lies elsewhere may only be a link that somebody clicks.
pub(super) fn relationships(content: &[u8]) -> Result<(), Unfit> {
    read(content, |event| {
        let (Event::Start(element) | Event::Empty(element)) = event else { return Ok(()) };
        let kind = attribute(element, "Type")?.unwrap_or_default().to_ascii_lowercase();
        let kind = kind.rsplit('/').next().unwrap_or_default();
        if HELD.contains(&kind) {
            return Err(INSIDE);
        }
        if kind.contains("vba") {
            return Err(MACROS);
        }
        let mode = attribute(element, "TargetMode")?.unwrap_or_default();
        let is_elsewhere = !mode.is_empty() && !mode.eq_ignore_ascii_case("internal");
        if is_elsewhere && kind != "hyperlink" { Err(LOADS) } else { Ok(()) }
    })
}

/// Any other part.
pub(super) fn part(content: &[u8]) -> Result<(), Unfit> {
    let mut fields = Fields::default();
    read(content, |event| match event {
        Event::Start(element) | Event::Empty(element) => {
            match element.local_name().as_ref() {
                b"altChunk" | b"OLEObject" | b"subDoc" => return Err(INSIDE),
                b"fldSimple" => asks(&attribute(element, "instr")?.unwrap_or_default())?,
                b"fldChar" => fields.mark(&attribute(element, "fldCharType")?.unwrap_or_default())?,
                b"instrText" | b"delInstrText" => fields.is_reading = matches!(event, Event::Start(_)),
                _ => {}
            }
            Ok(())
        }
        Event::End(element) => {
            if matches!(element.local_name().as_ref(), b"instrText" | b"delInstrText") {
                fields.is_reading = false;
            }
            Ok(())
        }
        Event::Text(text) => fields.read(&text.decode().map_err(|_| BAD)?),
        Event::CData(text) => fields.read(&text.decode().map_err(|_| BAD)?),
        Event::GeneralRef(named) => match named.resolve_char_ref().map_err(|_| BAD)? {
            Some(c) => fields.read(c.encode_utf8(&mut [0; 4])),
            None => Ok(()),
        },
        _ => Ok(()),
    })?;
    fields.end()
}

/// A drawing: no script, no event that starts one, no page within.
pub(super) fn drawing(content: &[u8]) -> Result<(), Unfit> {
    read(content, |event| {
        let (Event::Start(element) | Event::Empty(element)) = event else { return Ok(()) };
        if matches!(element.local_name().as_ref(), b"script" | b"handler" | b"foreignObject" | b"iframe") {
            return Err(DRAWN);
        }
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|_| BAD)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| BAD)?;
            let starts = attribute.key.local_name().as_ref().starts_with(b"on");
            if starts || value.to_ascii_lowercase().contains("script:") {
                return Err(DRAWN);
            }
        }
        Ok(())
    })
}

/// Fields that are being read. What a field does, its first word says; it may come in pieces.
#[derive(Default)]
struct Fields {
    open: Vec<Field>,
    is_reading: bool,
}

#[derive(Default)]
struct Field {
    code: String,
    /// What follows is what it showed last.
    is_result: bool,
}

impl Fields {
    fn mark(&mut self, kind: &str) -> Result<(), Unfit> {
        match (kind, self.open.last_mut()) {
            // Another field would make its first word.
            ("begin", Some(outer)) if !outer.is_result && outer.code.trim().is_empty() => return Err(LOADS),
            ("begin", _) => self.open.push(Field::default()),
            ("separate", Some(field)) => {
                field.is_result = true;
                asks(&field.code)?;
            }
            ("end", _) => asks(&self.open.pop().unwrap_or_default().code)?,
            _ => {}
        }
        Ok(())
    }

    fn read(&mut self, text: &str) -> Result<(), Unfit> {
        match self.open.last_mut() {
            _ if !self.is_reading => Ok(()),
            Some(field) => {
                field.code.push_str(text);
                Ok(())
            }
            // Whose field nobody began.
            None => asks(text),
        }
    }

    fn end(self) -> Result<(), Unfit> {
        self.open.iter().try_for_each(|field| asks(&field.code))
    }
}

fn asks(code: &str) -> Result<(), Unfit> {
    let word = code.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let word: String = word.chars().take_while(char::is_ascii_alphanumeric).collect();
    if ASKING.contains(&word.to_ascii_uppercase().as_str()) { Err(LOADS) } else { Ok(()) }
}
