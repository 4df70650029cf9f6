//! What the app brings: memory, battery, voice, clock and notifications, each with its errors. The key store's tests are in
//! `health.rs`, beside the database it protects.

#![cfg(any(feature = "translate", feature = "health"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

mod common;

use std::sync::Arc;

use common::Home;
use cuba_ffi::{Cuba, CubaError, Platform, PlatformError};

fn broken() -> PlatformError {
    PlatformError::Unavailable { reason: "the service is down".into() }
}

#[cfg(feature = "translate")]
mod translation {
    use std::sync::Mutex;

    use cuba_ffi::{Device, Power, Speech};

    use super::common::english;
    use super::*;

    /// What a phone says about itself; `Err` where it does not.
    struct Figures {
        memory: Result<Option<u64>, PlatformError>,
        power: Result<Power, PlatformError>,
    }

    /// A phone whose figures the test changes.
    struct Phone(Mutex<Figures>);

    impl Phone {
        fn change(&self, change: impl FnOnce(&mut Figures)) {
            change(&mut self.0.lock().unwrap());
        }
    }

    impl Device for Phone {
        fn memory_available(&self) -> Result<Option<u64>, PlatformError> {
            self.0.lock().unwrap().memory.clone()
        }

        fn power(&self) -> Result<Power, PlatformError> {
            self.0.lock().unwrap().power.clone()
        }
    }

    #[test]
    fn the_devices_memory_and_battery_are_heeded() {
        let home = Home::new();
        let phone = Arc::new(Phone(Mutex::new(Figures { memory: Ok(Some(1)), power: Ok(Power::Normal) })));
        let platform = Platform { device: Some(phone.clone()), ..Platform::default() };
        let cuba = Cuba::open(home.config(), platform).unwrap();
        cuba.packs().add(home.model(), None).wait().unwrap();
        let translate = cuba.translate();
        let full = translate.translate(english("Good morning."), None).wait();
        assert!(matches!(full, Err(CubaError::NoMemory { .. })), "{full:?}");
        phone.change(|figures| figures.memory = Err(broken()));
        let unsaid = translate.translate(english("Good morning."), None).wait().unwrap();
        assert!(unsaid.complete, "a device that does not say is no reason to refuse");
        phone.change(|figures| figures.memory = Ok(None));
        assert!(translate.memory() > 0);
        phone.change(|figures| figures.power = Ok(Power::Saving));
        translate.languages().unwrap();
        assert_eq!(translate.memory(), 0, "engines with fewer threads take the place of the others");
        let spared = translate.translate(english("Good morning."), None).wait().unwrap();
        assert_eq!(spared.text, unsaid.text);
        phone.change(|figures| figures.power = Err(broken()));
        assert!(translate.translate(english("Good morning."), None).wait().unwrap().complete);
    }

    #[derive(Default)]
    struct Voice(Mutex<Vec<String>>);

    impl Speech for Voice {
        fn speak(&self, text: String, language: String) -> Result<(), PlatformError> {
            match language.as_str() {
                "eu" => Err(PlatformError::Missing),
                "fr" => Err(broken()),
                _ => {
                    self.0.lock().unwrap().push(format!("{language}: {text}"));
                    Ok(())
                }
            }
        }

        fn stop(&self) -> Result<(), PlatformError> {
            self.0.lock().unwrap().push("silence".into());
            Err(broken())
        }
    }

    #[test]
    fn the_apps_voice_speaks_and_its_errors_are_told() {
        let home = Home::new();
        let voice = Arc::new(Voice::default());
        let platform = Platform { speech: Some(voice.clone()), ..Platform::default() };
        let translate = Cuba::open(home.config(), platform).unwrap().translate();
        translate.speak("Buenos días".into(), "es".into()).unwrap();
        let missing = translate.speak("Egun on".into(), "eu".into()).unwrap_err();
        assert!(matches!(missing, CubaError::BadInput { .. }), "{missing:?}");
        let down = translate.speak("Bonjour".into(), "fr".into()).unwrap_err();
        assert!(matches!(&down, CubaError::Other { reason } if !reason.contains("Bonjour")), "{down:?}");
        translate.hush();
        assert_eq!(*voice.0.lock().unwrap(), ["es: Buenos días", "silence"]);
        let nobody = home.open().translate().speak("Hola".into(), "es".into());
        assert!(matches!(nobody, Err(CubaError::BadInput { .. })), "{nobody:?}");
    }
}

#[cfg(feature = "health")]
mod health {
    use cuba_ffi::{Clock, HabitRequest, NotificationRequest, Notifications};

    use super::*;

    struct Down;

    impl Clock for Down {
        fn now_ms(&self) -> Result<i64, PlatformError> {
            Err(broken())
        }

        fn time_zone(&self) -> Result<String, PlatformError> {
            Err(broken())
        }
    }

    impl Notifications for Down {
        fn schedule(&self, _: NotificationRequest) -> Result<(), PlatformError> {
            Err(broken())
        }

        fn cancel(&self, _: String) -> Result<(), PlatformError> {
            Err(broken())
        }
    }

    #[test]
    fn services_that_are_down_are_told_or_done_without() {
        let home = Home::new();
        let down = Arc::new(Down);
        let platform =
            Platform { clock: Some(down.clone()), notifications: Some(down), ..Platform::default() };
        let health = Cuba::open(home.config(), platform).unwrap().health();
        let habit = HabitRequest {
            key: "read".into(),
            name: "Read".into(),
            times: 1,
            days: 1,
            remind_at: Some("21:30".into()),
            question: "Did you read?".into(),
        };
        // Without the app's clock the system's serves.
        health.save_habit(habit).unwrap();
        let told = health.plan_reminders(24).unwrap_err();
        assert!(matches!(&told, CubaError::Other { reason } if !reason.contains("Read")), "{told:?}");
    }
}
