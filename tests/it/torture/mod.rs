//! Servers and clients under violence: cuts, kills, noise. Afterwards the books must balance.

mod binary;
mod broken;
mod cuts;
mod device;
mod full_disk;
mod kills;
mod logging;
mod noise;
mod reporting;
mod restoring;
mod wrong;
