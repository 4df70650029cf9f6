//! Whether this processor can run the llama.cpp that was linked, asked before any of its code runs.

use crate::LlmError;

/// With run-time variants, or with AVX2 switched off at build time, the linked code runs on every x86-64.
#[cfg(target_arch = "x86_64")]
const NEEDS_AVX2: bool = !cfg!(feature = "cpu-variants") && !is_off(option_env!("GGML_AVX2"));

#[cfg(target_arch = "x86_64")]
const fn is_off(value: Option<&str>) -> bool {
    match value {
        Some(text) => matches!(text.as_bytes(), b"OFF" | b"off" | b"0"),
        None => false,
    }
}

/// The default build of ggml for x86-64 uses AVX2, FMA, F16C and BMI2 (processors since 2013). Older ones would die
/// with SIGILL; they get this error instead. ARM builds are `armv8-a` (or `armv7-a` with NEON) and need no check.
pub(crate) fn check() -> Result<(), LlmError> {
    #[cfg(target_arch = "x86_64")]
    if NEEDS_AVX2 {
        let lacks: Vec<&str> = [
            ("avx2", std::is_x86_feature_detected!("avx2")),
            ("fma", std::is_x86_feature_detected!("fma")),
            ("f16c", std::is_x86_feature_detected!("f16c")),
            ("bmi2", std::is_x86_feature_detected!("bmi2")),
        ]
        .into_iter()
        .filter_map(|(name, has)| (!has).then_some(name))
        .collect();
        if !lacks.is_empty() {
            return Err(LlmError::Processor(format!(
                "this processor lacks {} which language models need in this build; translate with the NMT engine, or \
                 build Cuba with the feature cpu-variants, which runs here, slower",
                lacks.join(", ")
            )));
        }
    }
    Ok(())
}
