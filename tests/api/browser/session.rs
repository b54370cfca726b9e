//! A Chromium with one tab, and what goes wrong in it.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::emulation::{MediaFeature, SetDeviceMetricsOverrideParams};
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel};
use chromiumoxide::cdp::browser_protocol::network::EventRequestWillBeSent;
use chromiumoxide::cdp::js_protocol::runtime::{
    ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown,
};
use chromiumoxide::{Browser, BrowserConfig, Page};
use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{FutureExt as _, StreamExt as _};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::support::{TIMEOUT, until};

/// Adds up how far the page moved without a person's doing.
const OBSERVE_SHIFTS: &str = "window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });";

/// A browser with one tab.
pub(super) struct Session {
    pub(super) page: Page,
    base: String,
    faults: SelectAll<BoxStream<'static, Option<String>>>,
    browser: Browser,
    driver: JoinHandle<()>,
    _profile: TempDir,
}

impl Session {
    /// Starts a browser and opens the page of an instance. Returns `None` if there is no Chromium.
    pub(super) async fn open(to: SocketAddr, width: u32, height: u32) -> Option<Self> {
        let profile = tempfile::tempdir().unwrap();
        // The tests talk to their own instance only, and may run as root, for which Chromium has no sandbox.
        let config = BrowserConfig::builder().user_data_dir(profile.path()).new_headless_mode().no_sandbox();
        let config =
            config.launch_timeout(TIMEOUT).request_timeout(TIMEOUT).arg("disable-gpu").viewport(None);
        let config = match config.build() {
            Ok(config) => config,
            Err(reason) => {
                eprintln!("skipped: {reason}");
                return None;
            }
        };
        let (browser, mut handler) = Browser::launch(config).await.unwrap();
        let driver = tokio::spawn(async move { while handler.next().await.is_some() {} });
        let page = browser.new_page("about:blank").await.unwrap();
        page.enable_log().await.unwrap();
        page.evaluate_on_new_document(OBSERVE_SHIFTS).await.unwrap();
        let base = format!("http://{to}/");
        let faults = faults(&page, &base).await;
        let mut session = Self { page, base, faults, browser, driver, _profile: profile };
        session.resize(width, height).await;
        session.emulate("prefers-color-scheme", "light").await;
        session.load().await;
        Some(session)
    }

    /// Loads the page, and waits for the catalogue.
    pub(super) async fn load(&mut self) {
        self.page.goto(self.base.as_str()).await.unwrap();
        self.until("document.querySelectorAll('#list li').length > 0").await;
    }

    pub(super) async fn resize(&self, width: u32, height: u32) {
        let size = SetDeviceMetricsOverrideParams::new(i64::from(width), i64::from(height), 1.0, width < 600);
        self.page.execute(size).await.unwrap();
    }

    pub(super) async fn emulate(&self, feature: &str, value: &str) {
        let features = vec![
            MediaFeature::new(feature, value),
            // A click on a moving target would miss.
            MediaFeature::new("prefers-reduced-motion", "reduce"),
        ];
        self.page.emulate_media_features(features).await.unwrap();
    }

    pub(super) async fn click(&self, selector: &str) {
        let found = self.page.find_element(selector).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}")).click().await.unwrap();
    }

    /// Types into the element that has the focus. A name of a key, such as `Enter`, presses the key.
    pub(super) async fn keys(&self, keys: &[&str]) {
        let focused = self.page.find_element("body").await.unwrap();
        for key in keys {
            if matches!(*key, "Enter" | "Tab") {
                focused.press_key(key).await.unwrap();
            } else {
                focused.type_str(key).await.unwrap();
            }
        }
    }

    /// Returns the value of an expression.
    pub(super) async fn value<T: serde::de::DeserializeOwned>(&self, expression: &str) -> T {
        let value = self.page.evaluate_expression(expression).await;
        let value = value.unwrap_or_else(|error| panic!("{expression}: {error}"));
        value.into_value().unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Returns the text of an element as a person sees it.
    pub(super) async fn text(&self, selector: &str) -> String {
        self.value(&format!("document.querySelector({selector:?})?.innerText ?? 'missing'")).await
    }

    /// Waits until an expression is true.
    pub(super) async fn until(&self, expression: &str) {
        until(
            expression,
            async || {
                if self.value(expression).await { Ok(()) } else { Err(self.text("body").await) }
            },
        )
        .await;
    }

    /// Waits until an element has this text.
    pub(super) async fn until_text(&self, selector: &str, expected: impl AsRef<str> + Debug) {
        until(&format!("{expected:?} in {selector}"), async || {
            let text = self.text(selector).await;
            if text == expected.as_ref() { Ok(()) } else { Err(text) }
        })
        .await;
    }

    /// Returns what went wrong since the last call.
    pub(super) async fn faults(&mut self) -> Vec<String> {
        // The browser reports in order, so its faults arrive before this value.
        self.value::<bool>("true").await;
        let mut found = Vec::new();
        while let Some(Some(fault)) = self.faults.next().now_or_never() {
            found.extend(fault);
        }
        found
    }

    /// Checks that nothing is wider than the screen.
    pub(super) async fn assert_fits(&self) {
        let wide: Vec<String> = self
            .value(
                "[...document.querySelectorAll('body *')]
                 .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5 && !e.closest('svg'))
                 .map((e) => e.outerHTML.slice(0, 80))",
            )
            .await;
        assert_eq!(wide, [""; 0]);
        let widths: (u32, u32) = self.value("[document.documentElement.scrollWidth, innerWidth]").await;
        assert!(widths.0 <= widths.1, "{widths:?}");
    }

    pub(super) async fn close(mut self) {
        let _ = self.browser.close().await;
        let _ = tokio::time::timeout(Duration::from_secs(10), self.browser.wait()).await;
        self.driver.abort();
    }
}

/// Returns everything that a page without faults does not cause: errors in the console, exceptions, violations
/// of the policy, and requests to other hosts.
async fn faults(page: &Page, base: &str) -> SelectAll<BoxStream<'static, Option<String>>> {
    let base = base.to_owned();
    let logged = page.event_listener::<EventEntryAdded>().await.unwrap().map(|event| {
        let entry = &event.entry;
        let url = entry.url.as_deref().unwrap_or_default();
        (entry.level == LogEntryLevel::Error).then(|| format!("log: {url}: {}", entry.text))
    });
    let written = page.event_listener::<EventConsoleApiCalled>().await.unwrap().map(|event| {
        let is_fault = matches!(event.r#type, ConsoleApiCalledType::Error | ConsoleApiCalledType::Assert);
        is_fault.then(|| format!("console: {:?}", event.args))
    });
    let thrown = page
        .event_listener::<EventExceptionThrown>()
        .await
        .unwrap()
        .map(|event| Some(format!("exception: {:?}", event.exception_details)));
    let sent = page.event_listener::<EventRequestWillBeSent>().await.unwrap().map(move |event| {
        let url = &event.request.url;
        (!url.starts_with(&base)).then(|| format!("another host: {url}"))
    });
    SelectAll::from_iter([logged.boxed(), written.boxed(), thrown.boxed(), sent.boxed()])
}
