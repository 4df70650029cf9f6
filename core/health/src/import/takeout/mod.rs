//! Google Takeout and Fitbit's own export: folders of JSON and CSV files, one for each day or kind.
//!
//! An archive may hold both Google Fit and Fitbit; each file is told by its name, as both services give no other sign.

mod fitbit;
mod google_fit;
mod sessions;

use super::intake::Intake;
use super::{Format, Importer, Input, Member, Stop};
use crate::store::SkipReason;

pub(super) const FITBIT: Importer = Importer {
    format: Format::Fitbit,
    recognises: |input| {
        input.members().iter().any(|m| fitbit::is_sign(&m.name))
            || (input.members().is_empty() && fitbit::lone(input).is_some())
    },
    import: |input, batch, context| {
        let one =
            fitbit::lone(input).filter(|_| input.members().is_empty()).map(|name| input.as_member(&name));
        read(one.as_ref().unwrap_or(input), Intake::new(batch, context))
    },
};

pub(super) const GOOGLE: Importer = Importer {
    format: Format::GoogleTakeout,
    recognises: |input| {
        input.members().iter().any(|m| google_fit::is_sign(&m.name))
            || (input.members().is_empty() && google_fit::lone(input).is_some())
    },
    import: |input, batch, context| {
        let one =
            google_fit::lone(input).filter(|_| input.members().is_empty()).map(|name| input.as_member(&name));
        read(one.as_ref().unwrap_or(input), Intake::new(batch, context))
    },
};

fn read(input: &Input, mut intake: Intake<'_, '_, '_>) -> Result<(), Stop> {
    let google = google_fit::Plan::of(input);
    let mut members: Vec<&Member> = input.members().iter().collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    each_member(&members, &mut intake, &mut |member, intake| {
        Ok(fitbit::file(input, member, intake)? || google.file(input, member, intake)?)
    })
}

/// Reads members in order with a checkpoint after each; damaged ones are counted and told. `read` says whether a file
/// was one of its own.
pub(super) fn each_member(
    members: &[&Member],
    intake: &mut Intake<'_, '_, '_>,
    read: &mut dyn FnMut(&Member, &mut Intake<'_, '_, '_>) -> Result<bool, Stop>,
) -> Result<(), Stop> {
    let done = intake.context.resume_at().map(str::to_owned).unwrap_or_default();
    let mut since = 0;
    for member in members {
        if member.name <= done {
            intake.done_before += member.size;
            continue;
        }
        match read(member, intake) {
            Ok(_) => {}
            Err(Stop::Failed(crate::HealthError::Io(error)))
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
                ) =>
            {
                intake.skip(SkipReason::Broken, "file");
                intake.context.incomplete("a file of the archive is damaged; what could be read is stored");
            }
            Err(stop) => return Err(stop),
        }
        intake.done_before += member.size;
        since += member.size;
        if since > 8 << 20 {
            since = 0;
            let Intake { context, batch, .. } = &mut *intake;
            context.checkpoint(batch, &member.name)?;
        }
    }
    Ok(())
}

/// Whether a name ends in `.csv` or the like, in capitals or not.
pub(super) fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, e)| e.eq_ignore_ascii_case(extension))
}

/// Counts a file that breaks off.
pub(super) fn told(whole: bool, intake: &mut Intake<'_, '_, '_>) {
    if !whole {
        intake.skip(SkipReason::Broken, "file");
        intake.context.incomplete("a file of the export is damaged; what could be read is stored");
    }
}
