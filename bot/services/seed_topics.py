"""What people of a made-up history ask: questions about the shipped handbook, and requests to teams."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeedTopic:
    """Questions that ask nearly the same."""

    weight: int
    """How often it is asked, beside the others."""
    wordings: tuple[str, ...]
    path: str = ""
    """The document that answers it; empty when none does."""
    says: str = ""
    """Words of the sentence that answers it."""


HANDBOOK = (
    SeedTopic(
        16,
        (
            "How many days of leave can I carry over?",
            "What happens to the holiday I have not used by the end of the year?",
            "Do my leftover holidays lapse in the new year?",
            "Until when must I take leave from last year?",
        ),
        "leave/annual-leave.md",
        "five days of unused",
    ),
    SeedTopic(
        9,
        (
            "From what amount do I need a receipt for an expense?",
            "Do I need a receipt for a coffee?",
            "Which expenses can I claim without a receipt?",
        ),
        "money/expenses.md",
        "A receipt is needed for everything above",
    ),
    SeedTopic(
        7,
        (
            "How long do I have to submit an expense claim?",
            "What is the deadline for expense claims?",
            "Can I still hand in expenses from two months ago?",
        ),
        "money/expenses.md",
        "Submit within 30 days",
    ),
    SeedTopic(
        11,
        (
            "Can I work from Spain for three weeks?",
            "May I work from abroad for a while?",
            "How many days a year can I work from another country?",
            "Is it fine to work from my parents' place in Italy in August?",
        ),
        "work/work-abroad.md",
        "You can work from abroad",
    ),
    SeedTopic(
        6,
        (
            "How much may a hotel room in London cost?",
            "What is the hotel limit for London?",
            "Which hotel price a night is allowed in Toronto?",
        ),
        "travel/booking-travel.md",
        "190 GBP in London",
    ),
    SeedTopic(
        4,
        ("When am I allowed to fly business class?", "Is premium economy allowed on long flights?"),
        "travel/booking-travel.md",
        "Premium economy is allowed",
    ),
    SeedTopic(
        6,
        (
            "How long does my password have to be?",
            "What are the rules for passwords?",
            "Does my password expire?",
        ),
        "security/passwords-and-access.md",
        "at least 14 characters",
    ),
    SeedTopic(
        5,
        ("How much is the referral bonus in Leeds?", "What do I get for referring a friend who is hired?"),
        "career/recruitment-and-referrals.md",
        "The referral bonus is",
    ),
    SeedTopic(
        6,
        (
            "What is the learning budget in Toronto?",
            "How much may I spend on courses this year?",
            "Is there a budget for training?",
        ),
        "benefits/learning-budget.md",
        "The learning budget is",
    ),
    SeedTopic(
        4,
        ("Are salaried staff paid for overtime?", "Do I get time off for overtime?"),
        "work/working-hours.md",
        "not paid for overtime",
    ),
    SeedTopic(
        3,
        ("Does the Leeds health insurance include dental treatment?", "Is the dentist covered in Leeds?"),
        "benefits/health-insurance.md",
        "Dental treatment is not included",
    ),
    SeedTopic(
        3,
        ("Can I swap a public holiday for Diwali?", "May I work on Easter Monday and take another day?"),
        "leave/public-holidays.md",
        "swap up to three public holidays",
    ),
    SeedTopic(
        4,
        (
            "Can the other parent split their eight weeks of parental leave?",
            "In how many blocks can parental leave be taken?",
        ),
        "leave/parental-leave.md",
        "up to three blocks",
    ),
    SeedTopic(
        7,
        (
            "How long can a sabbatical be?",
            "Can I take three months of unpaid leave?",
            "Is there a sabbatical after ten years?",
        ),
    ),
    SeedTopic(
        5,
        (
            "May I bring my dog to the office?",
            "Are dogs allowed in the Lisbon office?",
            "Can my dog come to work?",
        ),
    ),
    SeedTopic(
        3,
        ("Does Larkfield pay for a kindergarten place?", "Is there help with the cost of childcare?"),
    ),
    SeedTopic(2, ("When do my stock options vest?", "Do we get shares of the company?")),
)
"""Of ask-policy. Those without a document are what the handbook is silent on."""

REQUESTS = {
    "triage-request": (
        ("My laptop screen is broken and I am on site in Leeds until Friday", "For the IT service desk."),
        ("Please order two soil probes for 1,840 EUR before 15 January", "For Purchasing, with an order."),
        ("My October payslip is missing the referral bonus", "For Payroll."),
        ("The heating in the second floor meeting room does not work", "For Facilities."),
        ("I clicked on a link in a mail that looked odd", "For Security, at once."),
        ("I cannot sign in to Perch since this morning", "For the IT service desk."),
    ),
    "draft-reply": (
        (
            "When will the calibration certificate for our probe arrive?",
            "Thank you for asking. The certificate follows within ten working days of the calibration.",
        ),
        (
            "The logger you sent shows the wrong time zone. What can we do?",
            "Thank you for telling us. Please set the zone under Settings, Clock, and restart the logger.",
        ),
        (
            "Do you offer a discount for schools?",
            "Thank you for your interest. I shall ask and come back to you.",
        ),
        (
            "Our invoice has the old address on it.",
            "I am sorry about that. You will receive a corrected one.",
        ),
    ),
    "summarise-thread": (
        (
            "Ana: the mast in Braga is down. Ben: since when? Ana: since Sunday. Dev: parts come on Monday.",
            "The mast in Braga has been down since Sunday; parts come on Monday.",
        ),
        (
            "Eva: can we close October? Chloe: two claims are open. Eva: then Thursday. Chloe: agreed.",
            "October is closed on Thursday, once two open claims are settled.",
        ),
        (
            "Ben: customer wants the old firmware. Dev: not signed any more. Ben: I offer the new one.",
            "The old firmware is no longer signed; Ben offers the customer the new one.",
        ),
    ),
}
"""What is given to workflows that answer from no handbook, and what comes of it."""

ANYTHING = (("Something to be done", "It is done."), ("Another thing to be done", "That is done as well."))
"""The same for any other workflow."""

BEFORE = ("", "", "", "Hi, ", "Hello, ", "Quick question: ", "Sorry to ask again: ")
AFTER = ("", "", "", " Thanks!", " It is urgent.", " Asking for my team.", " I could not find it.")
CORRECTIONS = (
    "It depends on the office; say which one.",
    "Keep it to the number I asked for.",
    "The date is missing.",
    "That is the rule of last year.",
)
