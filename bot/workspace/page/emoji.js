/** The common emoji by their short names; an unknown name stays `:as_typed:`. */

const TABLE = `
smile 😄 smiley 😃 grinning 😀 grin 😁 laughing 😆 joy 😂 rofl 🤣 sweat_smile 😅 slightly_smiling_face 🙂 upside_down_face 🙃
wink 😉 blush 😊 innocent 😇 heart_eyes 😍 kissing_heart 😘 yum 😋 stuck_out_tongue 😛 thinking_face 🤔 zipper_mouth_face 🤐 neutral_face 😐
expressionless 😑 smirk 😏 unamused 😒 face_with_rolling_eyes 🙄 grimacing 😬 relieved 😌 pensive 😔 sleeping 😴 mask 😷 nerd_face 🤓
sunglasses 😎 confused 😕 worried 😟 open_mouth 😮 astonished 😲 flushed 😳 cry 😢 sob 😭 scream 😱 disappointed 😞
tired_face 😫 angry 😠 rage 😡 exploding_head 🤯 partying_face 🥳 hugging_face 🤗 shushing_face 🤫 monocle 🧐 robot_face 🤖 ghost 👻
wave 👋 raised_hand ✋ ok_hand 👌 v ✌️ crossed_fingers 🤞 point_left 👈 point_right 👉 point_up 👆 point_down 👇 +1 👍
thumbsup 👍 -1 👎 thumbsdown 👎 fist ✊ facepunch 👊 clap 👏 raised_hands 🙌 open_hands 👐 handshake 🤝 pray 🙏
muscle 💪 writing_hand ✍️ eyes 👀 brain 🧠 bust_in_silhouette 👤 busts_in_silhouette 👥 shrug 🤷 facepalm 🤦 heart ❤️ orange_heart 🧡
yellow_heart 💛 green_heart 💚 blue_heart 💙 purple_heart 💜 broken_heart 💔 sparkles ✨ star ⭐ star2 🌟 boom 💥 fire 🔥
100 💯 tada 🎉 confetti_ball 🎊 balloon 🎈 gift 🎁 trophy 🏆 medal 🏅 rocket 🚀 airplane ✈️ car 🚗
bike 🚲 train 🚆 house 🏠 office 🏢 hospital 🏥 beach_with_umbrella 🏖️ palm_tree 🌴 sunny ☀️ partly_sunny ⛅ cloud ☁️
rain_cloud 🌧️ snowflake ❄️ umbrella ☔ rainbow 🌈 ocean 🌊 thermometer 🌡️ seedling 🌱 coffee ☕ tea 🍵 pizza 🍕
cake 🍰 beer 🍺 apple 🍎 calendar 📅 date 📅 spiral_calendar_pad 🗓️ clock1 🕐 hourglass ⌛ hourglass_flowing_sand ⏳ stopwatch ⏱️
alarm_clock ⏰ bell 🔔 no_bell 🔕 mega 📣 loudspeaker 📢 speech_balloon 💬 thought_balloon 💭 email 📧 envelope ✉️ inbox_tray 📥
outbox_tray 📤 package 📦 memo 📝 pencil 📝 pencil2 ✏️ clipboard 📋 page_facing_up 📄 bookmark_tabs 📑 books 📚 book 📖
closed_book 📕 link 🔗 paperclip 📎 pushpin 📌 round_pushpin 📍 mag 🔍 mag_right 🔎 lock 🔒 unlock 🔓 key 🔑
shield 🛡️ bulb 💡 wrench 🔧 hammer 🔨 hammer_and_wrench 🛠️ gear ⚙️ computer 💻 desktop_computer 🖥️ keyboard ⌨️ phone ☎️
bar_chart 📊 chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 moneybag 💰 credit_card 💳 receipt 🧾 scales ⚖️ bug 🐛 test_tube 🧪 satellite_antenna 📡
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ x ❌ negative_squared_cross_mark ❎ heavy_plus_sign ➕ heavy_minus_sign ➖ question ❓ grey_question ❔ exclamation ❗
warning ⚠️ no_entry ⛔ no_entry_sign 🚫 rotating_light 🚨 construction 🚧 stop_sign 🛑 information_source ℹ️ recycle ♻️ repeat 🔁 arrows_counterclockwise 🔄
arrow_right ➡️ arrow_left ⬅️ arrow_up ⬆️ arrow_down ⬇️ leftwards_arrow_with_hook ↩️ red_circle 🔴 large_orange_circle 🟠 large_yellow_circle 🟡 large_green_circle 🟢 large_blue_circle 🔵
white_circle ⚪ black_circle ⚫ one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ new 🆕 ok 🆗 sos 🆘 hash #️⃣`;

const words = TABLE.trim().split(/\s+/);
/** Short name → character. */
export const EMOJI = new Map();
for (let at = 0; at + 1 < words.length; at += 2) EMOJI.set(words[at], words[at + 1]);

const drawable = new Map();
let canvas = null;

function pixels(character) {
  canvas ||= Object.assign(document.createElement("canvas"), { width: 24, height: 24 }).getContext("2d", { willReadFrequently: true });
  canvas.clearRect(0, 0, 24, 24);
  canvas.font = "16px 'Noto Color Emoji', 'Apple Color Emoji', 'Segoe UI Emoji', sans-serif";
  canvas.textBaseline = "top";
  canvas.fillText(character, 0, 2);
  return canvas.getImageData(0, 0, 24, 24).data.join();
}

/** Whether this computer's fonts hold the character; a machine without an emoji font draws an empty box. */
function canDraw(character) {
  if (!drawable.has(character)) drawable.set(character, pixels([...character][0]) !== pixels("\u{10fffe}"));
  return drawable.get(character);
}

/** The character for a short name (skin tones left out), or undefined when unknown or not in any font here. */
export function emoji(name) {
  const character = EMOJI.get(String(name).split("::")[0]);
  return character && canDraw(character) ? character : undefined;
}

/** Names that begin with, then contain, what was typed. */
export function emojiLike(typed, limit = 8) {
  const names = [...EMOJI.keys()];
  const first = names.filter((name) => name.startsWith(typed));
  const rest = names.filter((name) => !name.startsWith(typed) && name.includes(typed));
  return [...first, ...rest].slice(0, limit).map((name) => ({ name, character: emoji(name) || "" }));
}
