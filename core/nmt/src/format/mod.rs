//! Files of a Marian model: the binary container, its architecture text, and the lexical shortlist.

pub(crate) mod bytes;
pub(crate) mod config;
mod container;
pub(crate) mod shortlist;
mod student;
mod write;

pub use container::CONFIG_ITEM;
pub use container::{Container, DType, Item};
pub use shortlist::write_shortlist;
pub use student::Student;
pub use write::{NewItem, write};
