//! Files: sent whole and then shown by a message, or cut in the middle.

use sha2::{Digest as _, Sha256};

use super::{Client, Event};
use crate::torture::deeds::{UploadSheet, Uploaded};
use crate::torture::moment::Moment;

/// In a thousand files, so many are cut in the middle.
const CUT: u64 = 300;
/// Bytes of a file are its least size and up to so many more.
const MORE: usize = 60_000;

impl Client {
    /// Sends a file; once it is stored, a message brings it to the room.
    pub(super) fn send_file(&mut self, place: usize) {
        if self.sheet.uploads.iter().any(|upload| upload.answer.is_none() && !upload.is_cut) {
            return;
        }
        let upload = self.sheet.uploads.len();
        let name = format!("torture-{}.pdf", self.chance.uuid());
        let filling: String =
            (0..=self.chance.index(MORE / 36)).map(|_| self.chance.uuid().to_string()).collect();
        let bytes = document(&filling);
        let pod = self.chance.index(self.world.pods.len());
        let is_cut = self.chance.permille(CUT);
        let part = self.chance.index(1_000);
        let sha256 = Sha256::digest(&bytes).into();
        let asked = self.now();
        self.sheet.uploads.push(UploadSheet { name: name.clone(), sha256, pod, asked, is_cut, answer: None });
        self.filing.insert(upload, place);
        let (world, token, to_me) = (self.world.clone(), self.me.token.clone(), self.to_me.clone());
        tokio::spawn(async move {
            let outcome = if is_cut {
                world.rest.cut_upload(world.pods[pod], &token, &name, &bytes, part).await;
                None
            } else {
                Some(world.rest.upload(world.pods[pod], &token, &name, &bytes).await)
            };
            let at = world.watch.now();
            // The client may have left.
            let _gone = to_me.send(Event::Uploaded { upload, at, outcome });
        });
    }

    pub(super) fn uploaded(&mut self, upload: usize, at: Moment, outcome: Option<Uploaded>) {
        let place = self.filing.remove(&upload);
        let sheet = &mut self.sheet.uploads[upload];
        let what = format!("file {} by {}: {outcome:?}", sheet.name, sheet.pod);
        self.journal.note(at, 0, '=', &what);
        let stored = match &outcome {
            Some(Uploaded::Stored(id)) => Some(*id),
            _ => None,
        };
        sheet.answer = outcome.map(|outcome| (at, outcome));
        // Later nothing is composed any more, and the file stays with its owner.
        if let (Some(file), Some(place)) = (stored, place)
            && self.talks()
        {
            let send = self.write(place, Some(file));
            self.outbox.push_back(send);
            self.send_waiting();
        }
    }
}

/// A document that is kept as it is: nothing is taken out of it.
fn document(filling: &str) -> Vec<u8> {
    format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n\
         %{filling}\ntrailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n"
    )
    .into_bytes()
}
