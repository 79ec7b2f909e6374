// Opens the URL of a log, signs in as that asks for, gives feedback, replays the call and signs out; then looks at the other pages.
// What is to be done comes on standard input, what was seen goes to standard output. With `pictures`, each page is drawn there.
const fs = require("fs");
const { chromium } = require("playwright-core");

const FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--host-resolver-rules=MAP turnpike.test 127.0.0.1",
];
const SIZES = [[1280, 900], [390, 844]];

async function draw(page, folder, name) {
    if (!folder) return;
    for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        for (const colorScheme of ["light", "dark"]) {
            await page.emulateMedia({ colorScheme });
            await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: true });
        }
    }
    await page.emulateMedia({ colorScheme: null });
}

// How far the page is wider than a phone: what would have to be scrolled sideways.
async function overhang(page) {
    await page.setViewportSize({ width: 390, height: 844 });
    return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

async function walk(browser, input, base) {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const seen = { at: [], said: [], requests: [], overhang: {} };
    page.on("console", (line) => seen.said.push(line.text()));
    page.on("pageerror", (error) => seen.said.push(String(error)));
    page.on("request", (request) => {
        if (!request.url().startsWith(base)) seen.requests.push(request.url());
    });
    const here = () => seen.at.push(page.url().slice(base.length));
    const look = async (name) => {
        await draw(page, input.pictures, name);
        seen.overhang[name] = await overhang(page);
    };

    await page.goto(base + input.log);
    here();
    await look("sign-in");
    await page.getByLabel("E-mail address").fill(input.email);
    await page.getByLabel("Password").fill("not this one");
    await page.getByRole("button", { name: "Sign in" }).click();
    seen.refused = await page.getByRole("alert").innerText();
    await page.getByLabel("Password").fill(input.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(base + input.log);
    here();
    seen.title = await page.title();
    seen.request = await page.locator("pre").first().innerText();
    seen.scripts = await page.locator("script").count();

    await page.getByLabel(/^Value/).fill("7");
    await page.getByLabel(/^Weight/).fill("0.5");
    await page.getByRole("button", { name: "Add feedback" }).click();
    await page.waitForURL(`${base}${input.log}#feedback`);
    seen.feedback = await page.locator("h2#feedback + .wide tbody tr").first().locator("td").allInnerTexts();
    await look("log");
    seen.attempts = await page.getByRole("heading", { name: "Attempts" }).count();

    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByText("made once more: the first").waitFor();
    here();
    await page.getByRole("link", { name: "the first" }).click();
    await page.waitForURL(base + input.log);
    here();
    for (const [name, path] of Object.entries(input.more)) {
        await page.goto(base + path);
        seen[name] = await page.locator("h1").innerText();
        await look(name);
    }
    await page.goto(`${base}/account`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${base}/sign-in`);
    here();
    await page.goto(base + input.log);
    here();
    seen.cookies = (await context.cookies()).length;
    await context.close();
    return seen;
}

(async () => {
    const input = JSON.parse(fs.readFileSync(0, "utf8"));
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
    try {
        console.log(JSON.stringify(await walk(browser, input, input.base)));
    } finally {
        await browser.close();
    }
})().catch((error) => {
    console.error(error);
    process.exit(1);
});
