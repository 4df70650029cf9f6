//! What can be fetched: the built-in catalogue, a signed one, and Mozilla's registry.

use std::path::Path;

use clap::Args;
use cuba_packs::{
    Catalogue, MAX_CATALOGUE_BYTES, MAX_REGISTRY_BYTES, Offer, PackError, PackRef, Pip, RegistryOptions,
    Store, TrustedKey, Web, WebSettings, read_registry,
};

use crate::exit::{Code, Failure};

/// Where offers come from, besides the built-in catalogue.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShelfArgs {
    /// Mozilla's model registry: a file or an https address
    #[arg(long, env = "CUBA_REGISTRY", value_name = "FILE|URL")]
    registry: Option<String>,
    /// Fetch the registry's files from this base address instead; may be given several times, best first
    #[arg(long = "mirror", env = "CUBA_MIRRORS", value_delimiter = ',', value_name = "URL")]
    mirrors: Vec<String>,
    /// Also models their publisher has not released
    #[arg(long)]
    unreleased: bool,
    /// A signed catalogue: a file or an https address, with its signature beside it as NAME.sig
    #[arg(long, env = "CUBA_CATALOGUE", value_name = "FILE|URL", requires = "keys")]
    catalogue: Option<String>,
    /// Public keys (Ed25519, hexadecimal) that may sign catalogues
    #[arg(long = "trust", env = "CUBA_TRUST", value_delimiter = ',', value_name = "KEY")]
    keys: Vec<String>,
    /// The Python whose pip fetches packs that wheels carry
    #[arg(long, env = "CUBA_PYTHON", default_value = "python3", value_name = "PROGRAM")]
    python: String,
}

impl ShelfArgs {
    /// What the environment says, for commands without these flags.
    pub(crate) fn from_environment() -> Self {
        #[derive(clap::Parser)]
        struct Environment {
            #[command(flatten)]
            shelf: ShelfArgs,
        }
        <Environment as clap::Parser>::try_parse_from(["cuba"]).map(|parsed| parsed.shelf).unwrap_or_default()
    }
}

/// All offers, best source first.
pub(crate) struct Shelf {
    catalogues: Vec<Catalogue>,
    registry: Option<Vec<Offer>>,
    pip: Pip,
}

impl Shelf {
    pub(crate) fn open(store: &Store, args: &ShelfArgs) -> Result<Self, Failure> {
        let mut catalogues = vec![Catalogue::built_in()];
        let keys = args.keys.iter().map(|key| key.parse()).collect::<Result<Vec<TrustedKey>, PackError>>();
        let keys = keys.map_err(|_| {
            Failure::new(Code::BadInput, "a key given with --trust is not 64 hexadecimal digits")
        })?;
        if let Some(place) = &args.catalogue {
            let json = read(place, MAX_CATALOGUE_BYTES)?;
            let signatures = read(&format!("{place}.sig"), 64 << 10)?;
            let signatures = String::from_utf8_lossy(&signatures);
            catalogues.push(if store.is_writable() {
                store.accept_catalogue(&json, &signatures, &keys)?
            } else {
                Catalogue::verified(&json, &signatures, &keys)?
            });
        }
        let registry = args.registry.as_ref().map(|place| -> Result<_, Failure> {
            let device = RegistryOptions::default().device;
            let options =
                RegistryOptions { mirrors: args.mirrors.clone(), unreleased: args.unreleased, device };
            Ok(read_registry(&read(place, MAX_REGISTRY_BYTES)?, &options)?)
        });
        Ok(Self { catalogues, registry: registry.transpose()?, pip: Pip::of(&args.python) })
    }

    pub(crate) fn find(&self, pack: &PackRef) -> Option<&Offer> {
        let listed = self.catalogues.iter().find_map(|catalogue| catalogue.find(pack));
        let matches = |offer: &&Offer| {
            offer.about.id == pack.id
                && pack.version.as_ref().is_none_or(|version| *version == offer.about.version)
        };
        listed.or_else(|| self.registry.iter().flatten().find(matches))
    }

    pub(crate) fn offers(&self) -> impl Iterator<Item = &Offer> {
        let listed = self.catalogues.iter().flat_map(|catalogue| &catalogue.offers);
        listed.chain(self.registry.iter().flatten())
    }

    pub(crate) fn has_registry(&self) -> bool {
        self.registry.is_some()
    }

    pub(crate) fn pip(&self) -> Pip {
        self.pip.clone()
    }
}

/// Reads a file, or what is at an address.
fn read(place: &str, limit: u64) -> Result<Vec<u8>, Failure> {
    if place.starts_with("https://") || place.starts_with("http://") {
        return Ok(Web::new(WebSettings::default()).read(place, limit)?);
    }
    std::fs::read(Path::new(place)).map_err(|error| {
        Failure::new(Code::BadInput, format_args!("cannot read {place}: {error}"))
            .hint("give a file or an https address")
    })
}
