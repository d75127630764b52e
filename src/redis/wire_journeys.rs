//! How processes ask each other, and answer, what they noted of a message's way.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::journey::{Device, Station, Step};
use crate::domain::{ConnId, MessageId, PodId, Timestamp, UserId};

#[derive(Serialize, Deserialize)]
pub(super) struct AskedDto {
    pub(super) q: Uuid,
    pub(super) m: Uuid,
    pub(super) u: Uuid,
}

#[derive(Serialize, Deserialize)]
pub(super) struct NotedDto {
    pub(super) q: Uuid,
    pub(super) s: Vec<StepDto>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StepDto {
    m: Uuid,
    t: i64,
    p: Uuid,
    /// The station's name.
    k: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    u: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    c: Option<Uuid>,
    /// Sockets, or whether it came by a request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    n: Option<u32>,
}

impl StepDto {
    pub(super) fn new(step: &Step) -> Self {
        let device = step.station.device();
        Self {
            m: step.message.0,
            t: step.at.millis(),
            p: step.pod.0,
            k: step.station.as_str().to_owned(),
            u: device.map(|device| device.user.0),
            c: device.map(|device| device.conn.0),
            n: match step.station {
                Station::Offered { sockets } => Some(sockets),
                Station::Submitted { by_request } => Some(u32::from(by_request)),
                _ => None,
            },
        }
    }

    /// `None` for a station that only a later version knows.
    pub(super) fn step(self) -> Option<Step> {
        let Self { m, t, p, k, u, c, n } = self;
        let device = || Some(Device { user: UserId(u?), conn: ConnId(c?) });
        let station = match k.as_str() {
            "submitted" => Station::Submitted { by_request: n == Some(1) },
            "storing" => Station::Storing,
            "refused" => Station::Refused,
            "committed" => Station::Committed,
            "announced" => Station::Announced,
            "heard" => Station::Heard,
            "offered" => Station::Offered { sockets: n? },
            "written" => Station::Written(device()?),
            "replayed" => Station::Replayed(device()?),
            "lagged" => Station::Lagged(device()?),
            _ => return None,
        };
        Some(Step { message: MessageId(m), at: Timestamp::from_millis(t), pod: PodId(p), station })
    }
}
