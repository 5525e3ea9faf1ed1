"""Between LangChain's messages and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.messages import Message
    from domain.call import CallResult

_KINDS: dict[str, type[BaseMessage]] = {
    "system": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}
_ROLES = {"system": "system", "human": "user", "ai": "assistant"}


def dress(messages: Sequence[Message]) -> list[BaseMessage]:
    """Return `messages` as LangChain's, for its callbacks to see."""
    return [_KINDS[message["role"]](content=message["content"]) for message in messages]


def undress(messages: Sequence[BaseMessage]) -> list[Message] | None:
    """Return `messages` as they go over the wire, or None where one is more than its text."""
    plain: list[Message] = []
    for message in messages:
        role = _ROLES.get(message.type)
        extra = message.name or message.additional_kwargs or getattr(message, "tool_calls", None)
        if role is None or extra or not isinstance(message.content, str):
            return None
        plain.append(cast("Message", {"role": role, "content": message.content}))
    return plain


def chat_result(result: CallResult) -> ChatResult:
    """Dress a result: reasoning stands apart from speech, under `reasoning_content`."""
    usage = result.usage
    counts = UsageMetadata(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        input_token_details=InputTokenDetails(cache_read=usage.cached_tokens),
    )
    extra = {"reasoning_content": result.reasoning} if result.reasoning else {}
    message = AIMessage(content=result.text, additional_kwargs=extra, usage_metadata=counts)
    info = {"finish_reason": result.finish_reason}
    return ChatResult(
        generations=[ChatGeneration(message=message, generation_info=info)],
        llm_output={"model_name": result.model},
    )
