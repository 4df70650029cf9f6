//! The taught network as a model file: what did not learn is copied byte for byte.

use cuba_nmt::format::{Container, DType, NewItem, write};

use crate::{Network, TrainError};

impl Network {
    /// The bytes of a model like `base` with the learnt weights, in the types of `base`.
    ///
    /// int8 weights are rounded anew, each matrix by its own largest value; the multipliers of activations stay.
    ///
    /// # Errors
    /// Weights that are no numbers any more.
    pub fn export(&self, base: &Container) -> Result<Vec<u8>, TrainError> {
        let mut items = Vec::with_capacity(base.items().len());
        for item in base.items() {
            let Some(var) = self.learned.get(&item.name) else {
                items.push(NewItem::copy(base, item));
                continue;
            };
            let tensor =
                if item.dtype == DType::Intgemm8 { var.t()?.contiguous()? } else { var.as_tensor().clone() };
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            if values.iter().any(|v| !v.is_finite()) {
                return Err(TrainError::Arithmetic(candle_core::Error::Msg(format!(
                    "{} is not finite",
                    item.name
                ))));
            }
            items.push(if item.dtype == DType::Intgemm8 {
                let multiplier = 127.0 / values.iter().fold(1e-6f32, |top, v| top.max(v.abs()));
                let weights: Vec<i8> =
                    values.iter().map(|v| (v * multiplier).round_ties_even() as i8).collect();
                NewItem::int8(&item.name, &item.shape, &weights, multiplier)
            } else {
                NewItem::floats(&item.name, &item.shape, &values)
            });
        }
        Ok(write(&items))
    }
}
