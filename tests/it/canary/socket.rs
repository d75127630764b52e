//! What somebody can ask for over a socket.

use serde_json::{Value, json};

use crate::support::TestClient;

/// Asks for everything about this room and these messages, and answers all frames that came.
#[track_caller]
pub fn asks_for_everything(client: &mut TestClient, room: &str, messages: &[String]) -> Vec<Value> {
    let epoch = client.hello["epoch"].clone();
    let mut wishes = vec![
        json!({"t": "resume", "d": {"epoch": epoch, "userAfter": 0, "rooms": [[room, "full", 0]]}}),
        json!({"t": "resume", "d": {"epoch": epoch, "userAfter": 0, "rooms": [[room, "bump", 0]]}}),
        json!({"t": "room.subscribe", "room": room, "d": {"level": "bump"}}),
        json!({"t": "room.subscribe", "room": room, "d": {"after": 1}}),
        json!({"t": "room.subscribe", "room": room, "d": {"after": 0}}),
        json!({"t": "room.subscribe", "room": room}),
        json!({"t": "mark.read", "room": room, "d": {"seq": 1}}),
        json!({"t": "typing.start", "room": room}),
    ];
    for id in messages {
        for (action, more) in [
            ("message.edit", json!({"content": "mine now"})),
            ("message.delete", json!({})),
            ("message.pin", json!({})),
            ("message.unpin", json!({})),
            ("reaction.add", json!({"emoji": "👀"})),
            ("reaction.remove", json!({"emoji": "👀"})),
        ] {
            let mut data = more;
            data["id"] = json!(id);
            wishes.push(json!({"t": action, "room": room, "d": data}));
        }
    }
    let mut frames = Vec::new();
    for wish in wishes {
        let names_hidden = wish["d"]["id"].is_string();
        let answer = client.request(wish);
        assert!(!names_hidden || answer["t"] == "error", "what is hidden is there for nobody: {answer}");
        frames.push(answer);
    }
    frames.extend(client.drained());
    frames
}
