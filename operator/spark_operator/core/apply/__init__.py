"""Which writes make the live children what is rendered; nothing here decides or writes."""
