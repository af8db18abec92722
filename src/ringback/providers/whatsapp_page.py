"""What people are told about WhatsApp connections: how to set one up, and what is odd. Markdown."""

SETUP = """\
1. In the Meta app, open *WhatsApp → Configuration*. Enter the connection's callback URL, and as \
*Verify token* the one that you have written into the connection. Meta calls the URL at once and \
gets its challenge back.
2. Subscribe to the field `messages`, and to those whose events you want: \
`message_template_status_update`, `message_template_quality_update`, `template_category_update`, \
`message_template_components_update`, `phone_number_quality_update`, `phone_number_name_update`, \
`security`, `account_update`, `account_review_update`, `account_alerts`, \
`business_capability_update`, `user_preferences`, `calls`, `smb_message_echoes`.
3. Copy the *App Secret* (*App settings → Basic*) into the connection.
4. To send, and to fetch files that people send: the token of a system user with the permission \
`whatsapp_business_messaging`, and the *Phone number ID*.
5. Where the app serves other systems too, leave its own callback URL as it is: `ringback \
connections subscribe con_01…`, or the button on the connection's page, subscribes the app to the \
account of `account_id` with the connection's URL in place of its own. The token then needs the \
permission `whatsapp_business_management`.

One app has one callback URL; an account or a number of it may have another \
(`override_callback_uri`), signed with the same App Secret.

A partner that passes on Meta's callbacks as they are, signature included, and takes messages in \
Meta's format, is used in the same way: `base_url` is what stands before `/messages` at the \
partner, and `token_header` the header that it wants its key in. Files are then fetched under \
`base_url`, too. It may name a port, but none of another service's.
"""

SUBSCRIBES = (
    "the token's app to the account of `account_id`, with the connection's URL in place of the "
    "app's own; which fields come is set at the app"
)

NOTES = """\
- Meta signs the raw body, and no time: a callback that comes again is known by what it says.
- `delivered` may be left out when a message is read at once: `read` then implies it.
- People may write without a number of theirs: then their id (such as `US.…`) stands where the \
number would. What is sent to an id goes out as `recipient`, because in `to` Meta takes an id and \
silently drops the message; so does the faked send API.
- An inbound message says until when it may be answered freely: `service_window_closes_at` in its \
content, 24 hours after its time. A call from a person says it too, in the `details` of \
`call.initiated`. Outside of that only templates arrive; anything else fails with \
131047. Messages in groups, system messages, edits and withdrawals say nothing of the kind.
- Business-scoped ids stand beside the number: `whatsapp_user_id` and \
`whatsapp_parent_user_id` in the metadata of what was sent, `content.user_id` and \
`content.parent_user_id` of what people write.
- A person with another number, or another id, is told of by a message of the kind `system`, whose \
`moved` has what they were known by and what they are known by now (`previous`, `current`). What \
they had refused holds for the new number and the new id from that moment on: see \
[suppressions](../suppressions.md#moves).
- Only what is sent without a template and with a `category` (`utility`, `authentication`; for \
accounts that Meta has opened for it) can expire, after 30 seconds to 12 hours or 15 minutes. \
Anything else with a validity is refused: a template has a lifetime of its own, which is set where \
the template is made.
- What a message is priced by stands in `cost`: `billable`, `model`, `type`, `category`, and of a \
conversation its id, category and end where Meta sends them. The purpose follows from the category.
- Images, videos, audio, documents and stickers are content of the kind `media`, with WhatsApp's \
own type in `media[0].type` and the digest in hexadecimal. What a flow's form was filled in \
with is read into `interactive.nfm_reply.response`.
- A call that ends without a duration and a beginning was not picked up, also where Meta calls it \
`COMPLETED`: `call.failed` with `no_answer`. What the link or button carried that a person called \
by stands in `details`: `deeplink_payload`, `cta_payload`.
- A message that is one of `opt_out_words` is about everything that its number sends: whoever \
writes STOP says no less. `user_preferences` and error 131050 are about marketing only. A wish \
of a person with a number and an id is about both, in whichever of these ways it is told, because \
either may be written to: two events, and two suppressions.
- Messages that a business sends from the app on its phone (`smb_message_echoes`) are outbound \
messages; nothing answers them. `history`, `smb_app_state_sync`, `flows`, \
`payment_configuration_update`, `partner_solutions`, `automatic_events`, `tracking_events`, \
`user_id_update`, groups' own fields, errors that belong to no message (`whatsapp.errors`) and \
whatever Meta adds are `provider.unrecognised` with their content: what happened months ago starts \
nothing.
- The signature is checked more strictly than by some libraries: exactly one header, `sha256=` and \
64 lower-case hexadecimal digits. A handshake has each of its three parameters once, and a \
challenge of letters, digits and `_.~+/=:-`.
- An unexpected error of Meta's own (1, 2, 131000 or 131016 with a 5xx) leaves open whether the \
message was taken: it is not sent again by itself.
- Meta limits a number to so many messages a second and to one every six seconds to one person; a \
throttled send says how long to wait where the answer or the limit itself does.
"""
