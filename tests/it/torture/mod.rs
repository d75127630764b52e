//! Servers and clients under violence: cuts, kills, noise. Afterwards the books must balance.

mod binary;
#[cfg(feature = "torture")]
mod broken;
mod cuts;
mod device;
mod full_disk;
mod kills;
mod logging;
mod noise;
#[cfg(feature = "torture")]
mod reporting;
mod restoring;
#[cfg(feature = "torture")]
mod wrong;
