//! Servers and clients under violence: cuts, kills, noise. Afterwards the books must balance.

mod binary;
mod cuts;
mod device;
mod kills;
mod noise;
