"""The 100 prompts that models are compared on: our own words, fixed order."""

TOPICS = [
    "a lighthouse on a rocky coast", "the number seventeen", "bread and how it rises", "a bicycle with a flat tire",
    "sorting a list in Python", "the city of Lisbon", "photosynthesis", "a letter to an old friend",
    "the rules of chess", "a train that is late", "the moon and the tides", "a recipe for onion soup",
    "binary search trees", "the French revolution", "how vaccines work", "a cat that learned to open doors",
    "prime numbers below thirty", "writing clear e-mails", "the history of paper", "a simple budget for a student",
]
CHAT_FRAMES = [
    "Tell me three facts about {}.", "Explain {} to a ten-year-old child.", "Write a short poem about {}.",
    "What should I know about {}? Answer in two sentences.", "Make a list of five questions about {}.",
]
TEXT_FRAMES = [
    "The following is an encyclopedia article about {}.\n\n", "Q: What is interesting about {}?\nA:",
    "Once upon a time there was a story about {}. It began", "Here are five facts about {}:\n1.",
    "Dear reader, today I would like to write about {}, because",
]


def chat_prompts():
    """ChatML texts as SmolLM2's own template renders them."""
    system = "<|im_start|>system\nYou are a helpful AI assistant.<|im_end|>\n"
    return [
        f"{system}<|im_start|>user\n{frame.format(topic)}<|im_end|>\n<|im_start|>assistant\n"
        for topic in TOPICS for frame in CHAT_FRAMES
    ]


def text_prompts():
    """Plain beginnings for a base model."""
    return [frame.format(topic) for topic in TOPICS for frame in TEXT_FRAMES]
