//! A headless browser, and the studio in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, unreachable_pub)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use studio::server::Studio;
use tempfile::TempDir;

use crate::support::{new_studio, router};

/// One test at a time: each has a browser of its own.
pub static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// chromedriver, running.
pub struct Driver {
    process: Child,
    url: String,
}

impl Driver {
    /// Starts the chromedriver of `CHROMEDRIVER` or the path; says why if there is none.
    pub fn start() -> Option<Self> {
        let program = std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let spawned =
            Command::new(&program).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = match spawned {
            Ok(process) => process,
            Err(error) => {
                println!("skipped: no chromedriver ({}: {error})", program.display());
                return None;
            }
        };
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port: u16 = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok())
            .expect("chromedriver says its port");
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, url: format!("http://127.0.0.1:{port}") })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How the page is looked at.
#[derive(Clone, Copy)]
pub struct Looks {
    pub width: u32,
    pub height: u32,
    pub phone: bool,
    pub dark: bool,
}

pub const LAPTOP: Looks = Looks { width: 1366, height: 768, phone: false, dark: false };

/// A page of the studio.
pub struct Page {
    pub client: Client,
    pub downloads: TempDir,
}

/// A studio that listens.
pub async fn serve() -> (Arc<Studio>, SocketAddr) {
    let studio = new_studio();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(&studio);
    tokio::spawn(async move { axum::serve(listener, app).await });
    (studio, address)
}

impl Page {
    pub async fn open(driver: &Driver, address: SocketAddr, looks: Looks) -> Self {
        let downloads = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--autoplay-policy=no-user-gesture-required".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--window-size={},{}", looks.width, looks.height),
        ];
        let mut options = json!({
            "args": arguments,
            "prefs": { "download.default_directory": downloads.path(), "download.prompt_for_download": false },
        });
        if looks.phone {
            options["mobileEmulation"] = json!({ "deviceMetrics": { "width": looks.width, "height": looks.height, "pixelRatio": 2.0, "touch": true } });
        }
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("browserName".to_owned(), json!("chrome"));
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let client =
            ClientBuilder::new(connector).capabilities(capabilities).connect(&driver.url).await.unwrap();
        let page = Self { client, downloads };
        if !looks.phone {
            page.fit_window(looks).await;
        }
        page.client.goto(&format!("http://{address}/")).await.unwrap();
        page.find("body[data-ready=yes]").await;
        if looks.dark {
            page.click("#theme").await;
            page.click("#theme").await;
            page.find("[data-theme=dark]").await;
        }
        page.run(
            "window.problems = [];
             addEventListener('error', e => problems.push(String(e.message)));
             addEventListener('unhandledrejection', e => problems.push(String(e.reason)));
             document.addEventListener('securitypolicyviolation', e => problems.push('policy: ' + e.violatedDirective));",
        )
        .await;
        page
    }

    /// A window whose inside has the size.
    async fn fit_window(&self, looks: Looks) {
        let inner = self.run("return [innerWidth, innerHeight]").await;
        let missing =
            |wanted: u32, index: usize| wanted.saturating_sub(inner[index].as_u64().unwrap() as u32);
        let (width, height) =
            (looks.width + missing(looks.width, 0), looks.height + missing(looks.height, 1));
        self.client.set_window_size(width, height).await.unwrap();
    }

    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits for an element.
    pub async fn find(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(Duration::from_secs(120)).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|e| panic!("{css}: {e}"))
    }

    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        if let Err(error) = element.click().await {
            panic!("{css}: {error}");
        }
    }

    pub async fn choose(&self, css: &str, label: &str) {
        self.find(css).await.select_by_label(label).await.unwrap();
    }

    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub async fn fill(&self, css: &str, value: &str) {
        let input = self.find(css).await;
        // All of it is chosen, with Control and A, and overwritten, as one would.
        input.click().await.unwrap();
        input.send_keys(&format!("\u{e009}a\u{e000}{value}")).await.unwrap();
    }

    /// Waits until a script answers true.
    pub async fn wait_until(&self, script: &str) {
        let begun = Instant::now();
        while self.run(script).await != json!(true) {
            assert!(begun.elapsed() < Duration::from_secs(120), "{script}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Gives a file to the chooser that `button` opens.
    pub async fn upload(&self, button: &str, path: &Path) {
        self.click(button).await;
        self.find("input[data-chooser]").await.send_keys(path.to_str().unwrap()).await.unwrap();
    }

    /// Clicks, and waits for the file that is downloaded.
    pub async fn download(&self, button: &str, ending: &str) -> PathBuf {
        let files = || -> Vec<PathBuf> {
            let entries = std::fs::read_dir(self.downloads.path()).unwrap();
            entries.map(|e| e.unwrap().path()).filter(|p| p.to_string_lossy().ends_with(ending)).collect()
        };
        files().iter().for_each(|old| std::fs::remove_file(old).unwrap());
        self.click(button).await;
        let begun = Instant::now();
        loop {
            if let Some(path) = files().pop() {
                return path;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "no download of {button}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Keeps a picture where `STUDIO_SCREENSHOTS` says, if it does.
    pub async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("STUDIO_SCREENSHOTS") {
            let path = Path::new(&folder).join(format!("{name}.png"));
            std::fs::write(path, self.client.screenshot().await.unwrap()).unwrap();
        }
    }

    /// Closes the page, on which nothing may have gone wrong.
    pub async fn close(self) {
        let problems = self.run("return window.problems").await;
        self.client.close().await.unwrap();
        assert_eq!(problems, json!([]));
    }
}
