//! Loss and derivatives are those of the framework that trains the packs, written down by
//! `python -m cuba_training.gradients --fixtures models/training/fixtures`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

use std::path::Path;

use cuba_nmt::format::Container;
use cuba_train::{Network, Tokens};
use serde_json::Value;

fn ids(row: &Value) -> Vec<u32> {
    row.as_array().unwrap().iter().map(|v| u32::try_from(v.as_u64().unwrap()).unwrap()).collect()
}

#[test]
fn loss_and_gradients_are_those_of_the_training_framework() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/training/fixtures");
    let golden: Value =
        serde_json::from_slice(&std::fs::read(folder.join("golden.gradients.json")).unwrap()).unwrap();
    let name = "model.enes.float32.bin";
    let model = Container::from_bytes(std::fs::read(folder.join(name)).unwrap(), name).unwrap();
    let network = Network::of(&model, name).unwrap();
    let rows: Vec<(Vec<u32>, Vec<u32>)> =
        golden["pairs"].as_array().unwrap().iter().map(|p| (ids(&p[0]), ids(&p[1]))).collect();
    let tokens = Tokens::new(rows.iter().map(|(s, t)| (s.as_slice(), t.as_slice())));
    let loss = network.loss(&tokens, golden["smoothing"].as_f64().unwrap()).unwrap();
    let (value, wanted) = (f64::from(loss.to_scalar::<f32>().unwrap()), golden["loss"].as_f64().unwrap());
    assert!((value - wanted).abs() < 1e-5 * wanted, "{value} for {wanted}");

    let gradients = network.gradients(&loss).unwrap();
    let golden = golden["gradients"].as_object().unwrap();
    assert_eq!(gradients.len(), golden.len());
    for (name, wanted) in golden {
        let got = &gradients[name];
        let wanted: Vec<f64> = wanted.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        // Length, sum, then the first values.
        let length = got.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        assert!(
            (length - wanted[0]).abs() < 1e-3 * wanted[0] + 1e-7,
            "{name}: length {length} for {}",
            wanted[0]
        );
        let sum: f64 = got.iter().map(|g| f64::from(*g)).sum();
        assert!((sum - wanted[1]).abs() < 0.03 * wanted[0] + 1e-7, "{name}: sum {sum} for {}", wanted[1]);
        for (at, wanted) in wanted[2..].iter().enumerate() {
            assert!(
                (f64::from(got[at]) - wanted).abs() < 2e-3 * length + 1e-7,
                "{name}[{at}]: {} for {wanted}",
                got[at]
            );
        }
    }
}
